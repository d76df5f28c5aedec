import { expect, test } from "vitest";
import { type Finding, maxFindings } from "../../contracts/admin.js";
import { advanced, claimed, failed, type Page, type Run, view } from "./reconciliation-run.js";

const at = (seconds: number) => new Date(Date.parse("2026-01-01T12:00:00Z") + seconds * 1000).toISOString();
const claim = (last: Run | undefined, seconds: number, all = false, owner = "me") =>
  claimed(last, { now: at(seconds), owner, quietSeconds: 60, all });
const finding = (order_id: string | null, product_id: string | null = null): Finding => ({
  ...{ kind: "reservation", order_id, product_id, currency: null, expected: "1", found: "0", detail: "" },
});
const page = (over: Partial<Page> = {}): Page => ({
  ...{ about: [], findings: [], orders: 0, products: 0, skipped: 0, next: undefined },
  ...over,
});
const begun = claim(undefined, 0) as Run;
const done = (seconds: number, findings: Finding[] = []) =>
  advanced({ ...(claim(undefined, seconds) as Run), findings }, page(), at(seconds + 1));

test("the first run compares all but what changed in the last minute", () => {
  expect(begun).toMatchObject({ state: "running", scope: "all", since: "", until: at(-60), as_of: null });
  expect(view(undefined)).toMatchObject({ state: "never", drift: {}, findings: [] });
});

test("a run is one's own for a while; who comes later goes on where it was left", () => {
  const further = advanced(begun, page({ orders: 100, next: { part: "products", after: null } }), at(5));
  expect(claim(further, 19, true, "other")).toBeUndefined();
  expect(claim(further, 21, true, "other")).toEqual({ ...further, owner: "other", leased_until: at(36) });
});

test("the next one comes after five minutes, goes on from there, and looks again at what was found", () => {
  const last = done(0, [finding("a"), finding("a"), finding("b"), finding(null, "cup")]);
  expect(claim(last, 299)).toBeUndefined();
  expect(claim(last, 300)).toMatchObject({
    ...{ scope: "changed", since: at(-60), until: at(240), next: { part: "again", ids: ["a", "b"] } },
    ...{ findings: last.findings, as_of: at(-60) },
  });
});

test("all is compared when somebody asks, once a day, and when more was found than is kept", () => {
  expect(claim(done(0), 1, true)).toMatchObject({ scope: "all", since: "" });
  const days = { ...done(86_400), all_at: at(0) };
  expect(claim(days, 86_700)?.scope).toBe("all");
  const full = done(0, Array<Finding>(maxFindings).fill(finding("a")));
  expect(claim(full, 300)?.scope).toBe("all");
});

test("a page replaces what was known of what it is about, and nothing else", () => {
  const known = { ...begun, findings: [finding("a"), finding("b"), finding(null, "cup")] };
  const next: Run["next"] = { part: "orders", after: ["t", "order:b"] };
  const one = advanced(
    known,
    page({ about: ["a", "c"], findings: [finding("c")], orders: 2, skipped: 1, next }),
    at(1),
  );
  expect(one).toMatchObject({ state: "running", next, coverage: { orders: 2, products: 0, skipped: 1 } });
  expect(one.findings).toEqual([finding("b"), finding(null, "cup"), finding("c")]);
  const two = advanced(one, page({ about: ["cup"], products: 1 }), at(2));
  expect(two).toMatchObject({ state: "done", finished_at: at(2), as_of: at(-60), all_at: at(0) });
  expect(two).toMatchObject({ coverage: { orders: 2, products: 1, skipped: 1 } });
  expect(view(two)).toMatchObject({ stock_drift: 2 });
});

test("one that failed does not move the time up to which all is compared", () => {
  const again = failed(claim(done(0), 300) as Run, at(301));
  expect(view(again)).toMatchObject({ state: "failed", finished_at: at(301), as_of: at(-60) });
  expect(claim(again, 600)).toMatchObject({ since: at(-60), until: at(540) });
});
