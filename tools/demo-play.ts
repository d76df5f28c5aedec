import { type Line, stockOf } from "./demo-basket.js";
import { type Facts, type Statement, wrongs } from "./demo-check.js";
import { got } from "./demo-client.js";
import { type Cast, sceneOf } from "./demo-scene.js";
import { shown } from "./demo-show.js";
import type { End, Story } from "./demo-story.js";
import { paint, type Voice } from "./demo-voice.js";
import { pause, Refusal } from "./say.js";

const settleMs = 10_000;

/** Plays a story, tells it, and gives a sentence for everything that is wrong at its end. */
export async function play(story: Story, basket: Line[], cast: Cast, voice: Voice): Promise<string[]> {
  const { scene, orderId } = sceneOf(cast, basket, voice);
  const trouble: string[] = [];
  await story.play(scene).catch((error) => void trouble.push(sentenceOf(error)));
  const id = orderId();
  const settled = id ? await settle(id, story.end, basket, cast).catch(sentenceOf) : undefined;
  if (typeof settled === "string") trouble.push(settled);
  else if (settled) {
    for (const line of shown(settled.facts)) voice.print(line);
    trouble.push(...settled.wrong);
  }
  for (const sentence of trouble) voice.print(paint("red", `   ✗ ${sentence}`));
  if (trouble.length === 0) voice.print(paint("green", "   ✓ Order, money and stock are exactly as they must be."));
  return trouble;
}

/** Messages may still be on their way when the last status is seen: what is wrong counts when it stays wrong. */
async function settle(orderId: string, end: End, basket: Line[], cast: Cast) {
  for (const deadline = Date.now() + settleMs; ; await pause(200)) {
    const facts = await factsOf(orderId, basket, cast);
    const wrong = wrongs(facts, end);
    if (wrong.length === 0 || Date.now() > deadline) return { facts, wrong };
  }
}

async function factsOf(orderId: string, basket: Line[], { ada, provider }: Cast): Promise<Facts> {
  const [order, statement, { items: timeline }, stock] = await Promise.all([
    got(ada.order({ params: { id: orderId } })),
    provider<Statement>(`/ledger?reference=${orderId}`),
    got(ada.timeline({ params: { id: orderId }, query: { limit: 100 } })),
    Promise.all(
      basket.map(async ({ product: { id, name }, quantity, before }) => {
        return { name, quantity, before, after: await stockOf(ada, id) };
      }),
    ),
  ]);
  return { order, statement, timeline, stock };
}

function sentenceOf(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  throw error;
}
