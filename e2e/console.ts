import { randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { describe, expect, onTestFinished, test } from "vitest";
import { broker } from "./support/broker.js";
import { add, found, go, opened, phone, shoot, signIn, station } from "./support/browser.js";
import {
  anyone,
  eventually,
  must,
  newProduct,
  orderOf,
  type Person,
  place,
  processes,
  product,
  publishForeign,
  reaches,
  setStock,
  signedIn,
  statementOf,
  stockOf,
  url,
} from "./support/system.js";

// The console as people use it, in a real browser: one test per story.

const [ada, staff, admin] = await Promise.all([signedIn("ada"), signedIn("staff"), signedIn("admin")]);
const newest = async (who: Person) => (await must(who.orders({ query: { limit: 1 } }))).items[0]!;
const idOf = (page: { url: () => string }) => /orders\/([0-9a-f-]{36})/.exec(page.url())?.[1] as string;

describe("shop", () => {
  test("buys, and watches it arrive without touching the page", async () => {
    const page = await opened("shop", "ada");
    await add(page, "Hand coffee mill");
    await add(page, "House blend, 500 g");
    await page.getByRole("button", { name: "One House blend, 500 g more" }).first().click();
    await page.getByText("€89.00").waitFor();
    await page.evaluate(() => scrollTo(0, 0));
    await shoot(page, "shop");
    await page.getByRole("button", { name: "Place the order" }).click();
    await page.getByRole("link", { name: "Watch it" }).click();
    await station(page, "goods", "done");
    const params = { id: idOf(page) };
    await must(staff.setStatus({ params, body: { status: "shipped", carrier: "DHL", tracking_number: "JD0001" } }));
    await station(page, "shipped", "done");
    await page
      .getByText(/On its way with DHL, tracking number JD0001/)
      .first()
      .waitFor();
    await must(staff.setStatus({ params, body: { status: "delivered" } }));
    await station(page, "delivered", "done");
    await page.getByText("It has arrived. Everything is done.").waitFor();
    expect(await page.getByText("€89.00").count()).toBeGreaterThan(1);
    await page.getByRole("heading", { name: "What we told you" }).waitFor();
    await expect
      .poll(() => page.locator(".card", { hasText: "What we told you" }).locator("li").count())
      .toBeGreaterThan(2);
    const [first] = await must(ada.timeline({ params })).then(({ items }) => items);
    const trace = page.getByRole("link", { name: `trace ${first?.trace_id?.slice(0, 8)}` }).first();
    expect(await trace.getAttribute("href")).toBe(`https://traces.example/${first?.trace_id}`);
    await shoot(page, "order");
  });

  test("a card is refused, says why, and another one pays", async () => {
    const page = await opened("shop", "ada");
    await add(page, "Milk jug");
    await page.getByLabel(/Empty card/).check();
    await page.getByRole("button", { name: "Place the order" }).click();
    await page.getByText("Payment refused").waitFor();
    await page.getByRole("link", { name: "Watch it" }).click();
    await page
      .getByText(/attempt 1 was refused \(not enough money on the card\)/i)
      .first()
      .waitFor();
    await page.getByText(/left to pay/).waitFor();
    await shoot(page, "refused");
    await page.getByRole("button", { name: "Pay again" }).click();
    await page
      .getByRole("dialog")
      .getByLabel(/Flaky card/)
      .check();
    await page.getByRole("button", { name: "Pay €16.00" }).click();
    await station(page, "goods", "done");
    await expect.poll(() => page.locator(".chip.failed, .chip.succeeded").count()).toBe(2);
    expect((await statementOf(idOf(page))).net).toBe(1600);
  });

  test("tells what is out of stock, and what is left of it", async () => {
    const rare = product(12);
    const page = await opened("shop", "ada");
    await page.getByText("Only 1 left").waitFor();
    await add(page, rare.name);
    await page
      .getByRole("button", { name: `One ${rare.name} more` })
      .first()
      .click();
    await page.getByRole("button", { name: "Place the order" }).click();
    await page.getByText(`Of “${rare.name}” only 1 are left. Nothing was ordered or charged.`).waitFor();
    await setStock(staff, rare.id, 0);
    await page.reload();
    await page.locator("li.gone", { hasText: rare.name }).getByText("Out of stock").waitFor();
    expect(await page.getByRole("button", { name: `One ${rare.name} more` }).count()).toBe(2);
  });

  test("signs up at the checkout; the basket is still there, and refusals are said", async () => {
    const page = await opened("shop");
    await add(page, "Tasting spoon");
    await page.getByRole("button", { name: "Sign in and order" }).click();
    await page.getByRole("button", { name: "Sign up" }).click();
    const email = `${randomUUID()}@example.org`;
    const fill = async (address: string) => {
      await page.getByLabel("Name", { exact: true }).fill("Grace Hopper");
      await page.getByLabel("E-mail").fill(address);
      await page.getByLabel("Password").fill("a long password");
      await page.getByRole("dialog").getByRole("button", { name: "Sign up" }).first().click();
    };
    await fill("ada@orders.local");
    await page.getByRole("alert").waitFor();
    await fill(email);
    await page.getByText("Grace Hopper").waitFor();
    await page.getByRole("button", { name: "Place the order" }).click();
    await page.getByText("Thank you.").waitFor();
    await page.getByText("Being packed").waitFor();
  });

  test("an answer that is lost, asked for again, gives the same order", async () => {
    const { id, name } = product(10);
    const page = await opened("shop", "ada");
    await page.getByLabel("Search the catalogue").fill("apron");
    await add(page, name);
    let lost = 0;
    await page.route("**/orders", async (route) => {
      if (route.request().method() !== "POST" || lost > 0) return route.continue();
      lost++;
      await route.fetch();
      await route.abort();
    });
    await page.getByRole("button", { name: "Place the order" }).click();
    await page.getByText(/No answer came/).waitFor();
    const first = await newest(ada);
    await page.getByRole("button", { name: /Try again/ }).click();
    await page.getByText("Thank you.").waitFor();
    await page.getByRole("link", { name: "Watch it" }).click();
    expect(idOf(page)).toBe(first.id);
    await station(page, "goods", "done");
    expect(await stockOf(id)).toMatchObject({ reserved: 1 });
  });

  test("a session that ended asks to sign in again, and goes on where it was", async () => {
    const page = await opened("shop", "ada");
    await add(page, "Kitchen scale");
    await page.evaluate(() => {
      const kept = JSON.parse(sessionStorage.getItem("session") as string);
      sessionStorage.setItem("session", JSON.stringify({ ...kept, token: `${kept.token}x` }));
    });
    await page.reload();
    await page.getByRole("button", { name: "Place the order" }).click();
    await page.getByText(/Your session has ended/).waitFor();
    await signIn(page, "ada");
    await page.getByRole("button", { name: "Place the order" }).click();
    await page.getByText("Thank you.").waitFor();
  });

  test("by keyboard alone: from the catalogue to a paid order", async () => {
    const page = await opened("shop", "bob");
    const focused = () =>
      page.evaluate(
        () => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "",
      );
    const tabTo = async (text: RegExp) => {
      for (let n = 0; n < 120; n++) {
        await page.keyboard.press("Tab");
        if (text.test(await focused())) return;
      }
      throw new Error(`the keyboard does not reach ${text}`);
    };
    await page.getByRole("heading", { name: "Good coffee" }).waitFor();
    await page.locator(".products li").first().waitFor();
    await tabTo(/Add Travel press/);
    await page.keyboard.press("Enter");
    await tabTo(/^Place the order$/);
    await page.keyboard.press("Enter");
    await page.getByText("Thank you.").waitFor();
    await tabTo(/^Watch it$/);
    await page.keyboard.press("Enter");
    await station(page, "goods", "done");
    await tabTo(/^Cancel…$/);
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect((await orderOf(admin, idOf(page))).status).toBe("processing");
  });
});

describe("desk", () => {
  test("staff ships and delivers while the customer's page moves by itself", async () => {
    const { body } = await place(ada, product(3).id, 3, "card_ok");
    await reaches(ada, body.id, "processing");
    const [customers, desk] = await Promise.all([opened(`orders/${body.id}`, "ada"), opened("desk", "staff")]);
    await station(customers, "shipped", "waits");
    const row = desk.locator(`[data-order="${body.id}"]`);
    await row.waitFor();
    await shoot(desk, "desk");
    await row.getByRole("button", { name: "Ship…" }).click();
    await desk.getByLabel("Carrier").fill("Post");
    await desk.getByLabel("Tracking number").fill("RR42");
    await desk.getByRole("button", { name: "Ship", exact: true }).click();
    await station(customers, "shipped", "done");
    await desk.getByRole("button", { name: /On its way/ }).click();
    await row.getByRole("button", { name: "Mark delivered" }).click();
    await station(customers, "delivered", "done");
  });

  test("a cancelled order's money and goods come back, the first refund having failed", async () => {
    const { id } = product(2);
    const { body } = await place(ada, id, 4, "card_refund_fails_once");
    await reaches(ada, body.id, "processing");
    expect(await stockOf(id)).toMatchObject({ on_hand: 146, reserved: 4 });
    const page = await opened(`orders/${body.id}`, "ada");
    await page.getByRole("button", { name: "Cancel…" }).click();
    await page.getByLabel("Reason (optional)").fill("changed my mind");
    await page.getByRole("button", { name: "Cancel the order" }).click();
    await station(page, "goodsBack", "done");
    await station(page, "moneyBack", "done", 60_000);
    await page.getByText("Refund failed, it is tried again").waitFor();
    await shoot(page, "cancelled");
    expect(await stockOf(id)).toMatchObject({ on_hand: 150, reserved: 0 });
    expect((await statementOf(body.id)).net).toBe(0);
  });

  test("a dead letter is read, refused with the reason, and re-driven when its order is there", async () => {
    const order_id = randomUUID();
    const user_id = (await must(ada.me())).id;
    const paid = {
      ...{ order_id, user_id, payment_id: randomUUID(), amount: "7.00", currency: "EUR" },
      ...{ payment_date: new Date().toISOString(), payment_method: "wire", provider_id: "bank-9" },
    };
    const event = { specversion: "1.0", id: randomUUID(), source: "elsewhere", type: "payments.succeeded", data: paid };
    await broker.say("dead-letter.order", JSON.stringify(event));
    const page = await opened("desk/letters", "admin");
    const open = () =>
      page.locator(".rows li", { hasText: "payments.succeeded" }).getByRole("button", { name: "Open" });
    await open().click();
    await expect.poll(() => page.getByLabel("The message").inputValue()).toContain(order_id);
    await page.getByRole("button", { name: "Re-drive" }).click();
    await page.getByRole("alert").getByText(`There is no order ${order_id}`).waitFor();
    await shoot(page, "letter");
    const { id } = await newProduct();
    const about = { order_id, user_id, total: "7.00", currency: "EUR", items_count: 1 };
    await publishForeign("orders.created", { ...about, items: [{ product_id: id, quantity: 1, price: "7.00" }] });
    await reaches(ada, order_id, "payment_required");
    await page.getByRole("button", { name: "Re-drive" }).click();
    await page.getByText("Handled, and gone from the list.").waitFor();
    await page.getByRole("button", { name: "Close" }).last().click();
    await page.getByText("No dead letters").waitFor();
    await reaches(ada, order_id, "processing");
  });

  test("a reconciliation is started and its result shown", async () => {
    const before = await must(admin.reconciliation());
    const page = await opened("desk/audit", "admin");
    await page.getByRole("button", { name: "Compare all now" }).click();
    const done = await eventually(
      () => must(admin.reconciliation()),
      (run) => run.state === "done" && run.scope === "all" && run.as_of !== before.as_of,
    );
    expect(done.findings).toEqual([]);
    await page.getByText("Money and stock are where the orders say").waitFor();
    await page.locator(".tiles").getByText(String(done.coverage.orders), { exact: true }).waitFor();
    await shoot(page, "reconciliation");
  });

  test("is closed to customers, as are other customers' orders", async () => {
    const page = await opened("desk", "bob");
    await page.getByText("The desk is staff's").waitFor();
    expect(await page.getByRole("link", { name: "Desk" }).count()).toBe(0);
    await go(page, `orders/${(await newest(ada)).id}`);
    await page.getByText("There is no such order").waitFor();
  });
});

describe("proof", () => {
  test("one button: the payment service is killed over a charge, and the order ends right", async () => {
    const page = await opened("proof", "admin");
    await page.getByRole("button", { name: "Show me" }).click();
    await page.getByText(/Finished correctly, [\d.]+ s after the crash/).waitFor({ timeout: 60_000 });
    await page.locator(".timeline").getByText("Payment was killed.").waitFor();
    await page
      .locator(".timeline")
      .getByText(/Payment runs again/)
      .waitFor();
    expect(await page.locator(".verdict li.ok").count()).toBe(4);
    await shoot(page, "proof");
  });

  test("the order service is killed", async () => {
    const page = await opened("proof", "admin");
    await page.getByRole("button", { name: "Place an order" }).click();
    await station(page, "payment", "active");
    await page.getByRole("button", { name: "Kill order service" }).click();
    await page.locator('[data-process="order"]', { hasText: /1 restart/ }).waitFor();
    await page.getByText(/Finished correctly, [\d.]+ s after the crash/).waitFor({ timeout: 60_000 });
  });

  test("Redis is stopped and started", async () => {
    const page = await opened("proof", "admin");
    onTestFinished(() => processes.start("redis").catch(() => undefined));
    await page.getByRole("button", { name: "Stop Redis", exact: true }).click();
    await page.locator('[data-process="redis"]', { hasText: "stopped" }).waitFor();
    await page.getByLabel(/Good card/).check();
    await page.getByRole("button", { name: "Place an order" }).click();
    await station(page, "payment", "active");
    await page.getByRole("button", { name: "Start Redis", exact: true }).click();
    await station(page, "goods", "done", 60_000);
    await page.getByText(/Finished correctly, [\d.]+ s after that/).waitFor();
    await page.getByText("Redis was stopped. Redis was started again.").waitFor();
  });

  test("PostgreSQL is killed", async () => {
    const page = await opened("proof", "admin");
    await page.getByRole("button", { name: "Place an order" }).click();
    await station(page, "payment", "active");
    await page.getByRole("button", { name: "Kill PostgreSQL" }).click();
    await page.getByText(/Finished correctly, [\d.]+ s after the crash/).waitFor({ timeout: 90_000 });
  });

  test("is nobody's but an admin's, and knows only its own processes", async () => {
    const path = "/proof/processes/payment/kill";
    const answers = [];
    for (const who of [anyone, ada, staff]) answers.push((await who.call("POST", path)).status);
    expect(answers).toEqual([401, 403, 403]);
    const refused = [];
    for (const [name, action] of [
      ["nobody", "kill"],
      ["payment", "explode"],
      ["..%2F..%2Fpayment", "kill"],
      ["api-gateway", "stop"],
    ])
      refused.push((await admin.call("POST", `/proof/processes/${name}/${action}`)).status);
    expect(refused).toEqual([404, 404, 404, 409]);
    const page = await opened("proof", "ada");
    await page.getByText("Breaking things is the admin's").waitFor();
  });
});

describe("looks", () => {
  /** Nothing is being loaded any more. */
  async function settled(page: Page): Promise<void> {
    await page.waitForTimeout(100);
    await page.waitForFunction(() => document.querySelector(".bones") === null);
  }
  const pages = async () => {
    const { body } = await place(ada, product(3).id, 1, "card_declined");
    await reaches(ada, body.id, "payment_failed");
    return ["shop", "orders", `orders/${body.id}`, "desk", "desk/letters", "desk/audit", "proof", "nowhere"];
  };

  test.each(["light", "dark"] as const)("axe finds nothing serious on any page, %s", async (colorScheme) => {
    const page = await opened("shop", "admin", { colorScheme, reducedMotion: "reduce" });
    const said: Record<string, string[]> = {};
    for (const path of await pages()) {
      await go(page, path);
      await settled(page);
      const all = await found(page);
      if (all.length > 0) said[path] = all;
      expect(await page.evaluate(() => document.getAnimations().length), `what moves on ${path}`).toBe(0);
    }
    expect(said).toEqual({});
    if (colorScheme === "dark") {
      await go(page, (await pages())[2] as string);
      await shoot(page, "order-dark");
    }
  });

  test("what a browser has to load is small", async () => {
    const page = await (await fetch(url)).text();
    const files = [...page.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path]) => path as string);
    const sizes = await Promise.all(files.map(async (path) => gzipSync(await (await fetch(url + path)).text()).length));
    console.log(`${Math.round(sizes.reduce((sum, size) => sum + size, 0) / 100) / 10} kB in ${files.length} files`);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(60_000);
  });

  test("on a phone nothing is wider than the screen, and the dialogs fit", async () => {
    const page = await opened("shop", "admin", { viewport: phone, hasTouch: true });
    for (const path of await pages()) {
      await go(page, path);
      await settled(page);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(`${path}: ${width}`).toBe(`${path}: ${phone.width}`);
    }
    const customers = await opened("shop", undefined, { viewport: phone, hasTouch: true });
    await customers.getByRole("button", { name: "Sign in", exact: true }).click();
    const box = await customers.getByRole("dialog").boundingBox();
    expect((box?.x ?? -1) >= 0 && (box?.x ?? 0) + (box?.width ?? 999) <= phone.width).toBe(true);
    expect(await found(customers)).toEqual([]);
    await signIn(customers, "ada");
    await go(customers, `orders/${(await newest(ada)).id}`);
    await station(customers, "payment", "waits");
    await shoot(customers, "phone");
  });
});
