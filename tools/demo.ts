import { demoAccounts, demoPassword } from "../contracts/demo.js";
import { type Control, control } from "./control.js";
import { deal, type Line, shelves } from "./demo-basket.js";
import { got, opening, other, person, tokenOf } from "./demo-client.js";
import { play } from "./demo-play.js";
import type { Cast } from "./demo-scene.js";
import { stories } from "./demo-stories.js";
import type { Story } from "./demo-story.js";
import { paint, tellInTurn, type Voice, voice } from "./demo-voice.js";
import { infraPorts, instanceOf } from "./instance.js";
import { elapsed, help, Refusal } from "./say.js";
import { tokensOf } from "./secrets.js";

const usage = `
npm run demo [-- <story> …]

Plays stories against the running system, as customers and staff would, and checks how each ends:
${stories.map(({ name, title }) => `  ${name.padEnd(10)} ${title}`).join("\n")}

ORDERS_URL       the gateway (http://127.0.0.1:8080)
PROVIDER_URL     the payment provider, who testifies about the money (http://127.0.0.1:8090)
SIDECAR_URL      the order service's sidecar, which an upstream checkout publishes through (http://127.0.0.1:3502)
DAPR_API_TOKEN   opens that sidecar, where the system is not this machine's own
DEMO_PASSWORD    the demo accounts' password
`;

const sidecarPort = 3502;

export async function run(args: string[]): Promise<void> {
  help(args, usage);
  const begun = Date.now();
  const chosen = args.length === 0 ? stories : stories.filter(({ name }) => args.map(storyOf).includes(name));
  const cast = await assemble();
  const playable = chosen.filter(({ kills }) => !kills || cast.supervisor);
  const baskets = deal(
    playable.map(({ basket }) => basket),
    await shelves(cast.ada),
  );
  const parts = playable.map((story, n) => ({ story, basket: baskets[n]! }));

  const wrong = [
    ...(await perform(
      parts.filter(({ story }) => !story.kills),
      cast,
    )),
    ...(await perform(
      parts.filter(({ story }) => story.kills),
      cast,
    )),
  ].filter((sentences) => sentences.length > 0).length;
  const skipped = chosen.filter((story) => !playable.includes(story));
  for (const story of skipped) {
    console.log(titleOf(story));
    console.log(`   – Skipped: it kills the ${story.kills} service, which needs a system started with npm start.`);
  }
  conclude(playable.length, wrong, skipped.length, begun);
}

/** Who plays: ada and staff at the gateway, and what this machine's own system adds. */
async function assemble(): Promise<Cast> {
  const instance = instanceOf();
  const here = `http://127.0.0.1:${instance.portBase}`;
  const url = process.env.ORDERS_URL ?? here;
  const password = process.env.DEMO_PASSWORD ?? demoPassword;
  const [, { email: staff }, { email: adaEmail }] = demoAccounts;
  const signIn = async (email: string) => person(url, await tokenOf(url, email, password));
  const ada = await signIn(adaEmail);
  return {
    ada,
    adaId: (await got(ada.me())).id,
    staff: await signIn(staff),
    provider: other(process.env.PROVIDER_URL ?? `http://127.0.0.1:${infraPorts(instance).provider}`),
    sidecar: other(
      process.env.SIDECAR_URL ?? `http://127.0.0.1:${sidecarPort + instance.offset}`,
      opening(process.env.DAPR_API_TOKEN ?? tokensOf(instance.dir, "order").api),
    ),
    supervisor: url === here ? await supervisorOf(instance.dir) : undefined,
  };
}

/** The supervisor of the system's services; the one of `npm run infra` keeps none of them. */
async function supervisorOf(dir: string): Promise<Control | undefined> {
  const supervisor = control(dir);
  const processes = await supervisor.processes().catch(() => []);
  const kept = (name?: string) => processes.some((process) => process.name === name);
  return stories.every(({ kills }) => !kills || kept(kills)) ? supervisor : undefined;
}

function storyOf(word: string): string {
  if (stories.some(({ name }) => name === word)) return word;
  throw new Refusal(`There is no story "${word}"; there are ${stories.map(({ name }) => name).join(", ")}.`);
}

const titleOf = (story: Story) => `\n${paint("bold", `${stories.indexOf(story) + 1}. ${story.title}`)}`;

function perform(parts: { story: Story; basket: Line[] }[], cast: Cast): Promise<string[][]> {
  return tellInTurn(
    parts.map(({ story, basket }) => {
      const own: Voice = voice(story.name);
      own.print(titleOf(story));
      return { voice: own, ended: play(story, basket, cast, own) };
    }),
  );
}

function conclude(played: number, wrong: number, skipped: number, begun: number): void {
  const right = `${played - wrong} of ${played + skipped} stories ended as they must`;
  const rest = [wrong > 0 && `${wrong} did not`, skipped > 0 && `${skipped} skipped`].filter(Boolean);
  const line = [right, ...rest].join(", ");
  console.log(paint(wrong > 0 ? "red" : "green", `\n${line} (${elapsed(begun)}).`));
  process.exitCode = wrong > 0 || played === 0 ? 1 : 0;
}
