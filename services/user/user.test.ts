import { expect, test } from "vitest";
import { changed, contactOf, newAccount, view, withRoles } from "./user.js";

const request = { email: " Eve@Example.com", name: "Eve" };
const eve = newAccount(request, "00000000-0000-4000-8000-000000000009", "scrypt$secret", "2026-11-21T08:00:00.000Z");

test("an account begins as a customer's, in English, without a country", () => {
  expect(eve).toMatchObject({ email: "eve@example.com", locale: "en", country: null, roles: ["customer"] });
});

test("what a change leaves out stays, null takes the country away", () => {
  const moved = changed(eve, { locale: "de-AT", country: "AT" });
  expect(moved).toEqual({ ...eve, locale: "de-AT", country: "AT" });
  expect(changed(moved, { name: "Eva", country: null })).toEqual({ ...eve, name: "Eva", locale: "de-AT" });
  expect(changed(eve, {})).toEqual(eve);
});

test("each role counts once", () => {
  expect(withRoles(eve, ["admin", "customer", "admin"]).roles).toEqual(["customer", "admin"]);
});

test("the password's hash stays inside", () => {
  expect(JSON.stringify([view(eve), contactOf(eve)])).not.toMatch(/scrypt|password/);
  expect(contactOf(eve)).toEqual({ id: eve.id, email: "eve@example.com", name: "Eve", locale: "en", country: null });
});
