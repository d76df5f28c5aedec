import { expect, test } from "vitest";
import { shift } from "./shift.js";

const instance = { offset: 10000, dir: "/data/x" };

test("moves every number under a key that ends in port, at any depth", () => {
  const document = { apps: [{ appPort: 8081, daprHTTPPort: 3501, appMaxConcurrency: 3 }], version: 1 };

  expect(shift(document, instance)).toEqual({
    apps: [{ appPort: 18081, daprHTTPPort: 13501, appMaxConcurrency: 3 }],
    version: 1,
  });
});

test("moves addresses inside strings and leaves other numbers there alone", () => {
  const env = { PROVIDER_URL: "http://127.0.0.1:8090/v1", BOTH: "127.0.0.1:1,127.0.0.1:2", HOST: "example.com:80" };

  expect(shift(env, instance)).toEqual({
    PROVIDER_URL: "http://127.0.0.1:18090/v1",
    BOTH: "127.0.0.1:10001,127.0.0.1:10002",
    HOST: "example.com:80",
  });
});

test("turns the data folder's name into the instance's folder", () => {
  const paths = { a: ".run/names.db", b: "file:.run/names.db?mode=rw", c: "x.run/y", d: "./.runner/z" };

  expect(shift(paths, instance)).toEqual({
    a: "/data/x/names.db",
    b: "file:/data/x/names.db?mode=rw",
    c: "x.run/y",
    d: "./.runner/z",
  });
});

test("changes nothing but the folder when the offset is 0, and never its argument", () => {
  const document = Object.freeze({ appPort: 8080, url: "127.0.0.1:8090" });

  expect(shift(document, { offset: 0, dir: ".run" })).toEqual({ appPort: 8080, url: "127.0.0.1:8090" });
});
