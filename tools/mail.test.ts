import { expect, test } from "vitest";
import { mailSettings } from "./mail.js";

const server = { SMTP_HOST: "mail.example.com", SMTP_FROM: "shop@example.com" };

test("without a host there is no mail", () => {
  expect(mailSettings({ SMTP_FROM: "shop@example.com", SMTP_HOST: "" })).toEqual({});
});

test("a host and a sender are enough; a user comes with a password", () => {
  expect(mailSettings(server)).toEqual({ ...server, SMTP_PORT: "587" });
  const known = { ...server, SMTP_PORT: "465", SMTP_USER: "shop", SMTP_PASSWORD: "secret" };
  expect(mailSettings({ ...known, PATH: "/bin" })).toEqual(known);
});

test.each([
  [{ SMTP_FROM: undefined }, "add the sender"],
  [{ SMTP_PORT: "smtp" }, "SMTP_PORT=smtp is no port"],
  [{ SMTP_USER: "shop" }, "set both or neither"],
  [{ SMTP_PASSWORD: "secret" }, "set both or neither"],
])("%j is refused", (wrong, why) => {
  expect(() => mailSettings({ ...server, ...wrong })).toThrow(why);
});
