import { expect, test } from "vitest";
import { asyncapi } from "../../contracts/asyncapi.js";
import { apiPage, eventsPage } from "./docs-pages.js";

test("the events page shows every topic, who says it to whom, and its fields", () => {
  const page = eventsPage(asyncapi("1.2.3"));
  expect(page).toContain('<section id="orders.cancelled">');
  expect(page).toContain("order → inventory, payment, notification");
  expect(page).toMatch(/<code>items\[\]\.product_id<\/code><td>uuid<td>/);
  expect(page).toMatch(/<code>pay_by<\/code><td>date-time<td>optional/);
});

test("what the document says is text and never markup", () => {
  const document = asyncapi("<script>1</script>");
  Object.assign(document.channels["orders.paid"] as object, { summary: `<img src=x onerror="1"> 'a' & \`<b>\`` });
  const page = eventsPage(document);
  expect(page).not.toContain("<script");
  expect(page).not.toContain("<img");
  expect(page).toContain("&lt;img src=x onerror=&quot;1&quot;&gt; &#39;a&#39; &amp; <code>&lt;b&gt;</code>");
});

test("the pages hold no script and no style of their own, as a strict content security policy wants it", () => {
  for (const page of [apiPage, eventsPage(asyncapi("1"))]) {
    expect(page).not.toMatch(/<script(?! src="\/docs\/)|<style|\sstyle=|\son\w+=|https?:\/\//);
  }
});
