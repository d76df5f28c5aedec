import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, expect } from "vitest";
import { browserOf } from "../../tools/browser.js";
import { url } from "./system.js";

// A real browser at the console.

const browser = await chromium.launch({
  executablePath: await browserOf(console.log),
  // Chromium's own sandbox does not work for root, who CI is.
  args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
});
/** What a browser says when the page is broken, or the content security policy was. A refused request is no such thing. */
const complaints: string[] = [];
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
afterAll(async () => {
  await browser.close();
  expect(complaints).toEqual([]);
});

const names = { admin: "Alex Admin", staff: "Sam Staff", ada: "Ada Lovelace", bob: "Bob Kahn" };
export type Name = keyof typeof names;

const desktop = { width: 1280, height: 800 };
export const phone = { width: 360, height: 740 };

/** A tab of its own at a page of the console, signed in by one of the demo accounts' buttons. */
export async function opened(path: string, name?: Name, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: desktop, colorScheme: "light", ...options });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(`${error.stack}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) complaints.push(message.text());
  });
  await page.goto(`${url}/#/${path}`);
  if (name) await signIn(page, name);
  return page;
}

export async function signIn(page: Page, name: Name): Promise<void> {
  const way = page.getByRole("button", { name: "Sign in", exact: true });
  if (!(await page.getByRole("dialog").isVisible())) await way.click();
  await page.getByRole("button", { name: new RegExp(names[name]) }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor();
}

export const go = (page: Page, path: string) => page.goto(`${url}/#/${path}`);

/** Puts a product into the basket, by the words of its card. */
export async function add(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: `Add ${name}` }).click();
}

/** Waits until a station of the saga's picture is in this state. */
export const station = (page: Page, place: string, state: string, timeout = 20_000) =>
  page.locator(`[data-place="${place}"][data-state="${state}"]`).waitFor({ timeout });

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
type Violation = { id: string; impact: string; nodes: { html: string }[] };

/** What axe-core finds on the page as it is, but trifles. */
export async function found(page: Page): Promise<string[]> {
  await page.evaluate(readFileSync(axe, "utf8"));
  const violations = (await page.evaluate(
    `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations)`,
  )) as Violation[];
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join("  ")}`);
}

const shots = join(process.env.E2E_DIR as string, "screenshots");
mkdirSync(shots, { recursive: true });

/** What is seen now, as a picture: in the system's folder; with SCREENSHOTS=1 those that docs/images has are made anew. */
export async function shoot(page: Page, name: string): Promise<void> {
  // The token's way to the next station, and counters.
  await page.waitForTimeout(1_000);
  const shown = join("docs", "images", `${name}.png`);
  const path = process.env.SCREENSHOTS && existsSync(shown) ? shown : join(shots, `${name}.png`);
  await page.screenshot({ path, animations: "disabled" });
}
