import { demoAccounts } from "../contracts/demo.js";
import type { StockView } from "../contracts/inventory.js";
import type { OrderView } from "../contracts/order.js";
import { type Facts, type Statement, wrongs } from "./demo-check.js";
import { client, tokenOf } from "./demo-client.js";
import { type Basket, type Cast, fillBasket, sceneOf } from "./demo-scene.js";
import { say, showFacts, showTimeline } from "./demo-show.js";
import { type Story, stories } from "./demo-stories.js";
import { infraPorts, instanceOf } from "./instance.js";
import { help, pause, Refusal } from "./say.js";

const usage = `
npm run demo [-- <story> …]

Plays stories against the running system as a customer and a member of staff would, and checks how each ends:
${stories.map(({ name, title }) => `  ${name.padEnd(10)} ${title}`).join("\n")}

ORDERS_URL       the gateway (http://127.0.0.1:8080)
PROVIDER_URL     the payment provider, who testifies about the money (http://127.0.0.1:8090)
DEMO_PASSWORD    the demo accounts' password
`;

const settleMs = 10_000;

export async function run(args: string[]) {
  help(args, usage);
  const chosen = args.length === 0 ? stories : args.map(storyOf);
  const instance = instanceOf();
  const url = process.env.ORDERS_URL ?? `http://127.0.0.1:${instance.portBase}`;
  const provider = client(process.env.PROVIDER_URL ?? `http://127.0.0.1:${infraPorts(instance).provider}`);
  const password = process.env.DEMO_PASSWORD ?? "demo-password-1";
  const [, { email: staff }, { email: ada }] = demoAccounts;
  const signIn = async (email: string) => client(url, await tokenOf(url, email, password));
  const cast = { ada: await signIn(ada), staff: await signIn(staff), provider };

  let wrong = 0;
  for (const [n, story] of chosen.entries()) wrong += (await tell(story, n + 1, cast)).length;
  console.log(
    wrong === 0 ? "\nEvery story ended as it must." : `\n${wrong} of the things above are not as they must be.`,
  );
  process.exitCode = wrong === 0 ? 0 : 1;
}

function storyOf(word: string): Story {
  const story = stories.find(({ name }) => name === word);
  if (story) return story;
  throw new Refusal(`There is no story "${word}"; there are ${stories.map(({ name }) => name).join(", ")}.`);
}

async function tell(story: Story, n: number, cast: Cast): Promise<string[]> {
  console.log(`\n${n}. ${story.title}`);
  const basket = await fillBasket(cast.ada);
  const { scene, placed } = sceneOf(cast, basket);
  const trouble = await story.play(scene).then(
    () => [],
    (error) => [sentenceOf(error)],
  );
  const order = placed();
  if (!order) return complain(trouble);

  const { facts, wrong } = await settle(story, order.id, basket, cast);
  showFacts(facts);
  showTimeline(await cast.ada.get(`/orders/${order.id}/timeline?limit=100`));
  const sentences = complain([...trouble, ...wrong]);
  await tidy(facts.order, basket, cast);
  return sentences;
}

/** Messages may still be on their way when the last status is seen: what is wrong counts when it stays wrong. */
async function settle({ end }: Story, orderId: string, basket: Basket, cast: Cast) {
  for (const deadline = Date.now() + settleMs; ; await pause(200)) {
    const facts = await factsOf(orderId, basket, cast);
    const wrong = wrongs(facts, end);
    if (wrong.length === 0 || Date.now() > deadline) return { facts, wrong };
  }
}

async function factsOf(orderId: string, basket: Basket, { ada, provider }: Cast): Promise<Facts> {
  const order = await ada.get<OrderView>(`/orders/${orderId}`);
  const statement = await provider.get<Statement>(`/ledger?reference=${orderId}`);
  const stock = [];
  for (const { product, quantity, before } of basket) {
    const after = await ada.get<StockView>(`/inventory/${product.id}`);
    stock.push({ name: product.name, quantity, before, after });
  }
  return { order, statement, stock };
}

/** An order that still holds stock would spoil the counts of the next story. */
async function tidy({ id, status }: OrderView, basket: Basket, cast: Cast) {
  if (status !== "payment_required" && status !== "payment_failed") return;
  await cast.ada.post(`/orders/${id}/cancel`, { reason: "the demo is over" });
  for (const deadline = Date.now() + settleMs; Date.now() < deadline; await pause(100)) {
    const { stock } = await factsOf(id, basket, cast);
    if (stock.every(({ before, after }) => after.held === before.held))
      return say("(Cleaning up, Ada cancels the order, and what it held is free again.)");
  }
  say(`(Cleaning up, Ada cancels the order, but its stock was not released within ${settleMs / 1000} s.)`);
}

function complain(sentences: string[]): string[] {
  for (const sentence of sentences) console.log(`  ✗ ${sentence}`);
  if (sentences.length === 0) console.log("  ✓ Order, money and stock are exactly as they must be.");
  return sentences;
}

function sentenceOf(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  throw error;
}
