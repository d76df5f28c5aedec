import { type Reply, redis } from "../tools/redis-client.js";
import { pause, Refusal } from "../tools/say.js";

const patienceMs = 60_000;
const blockMs = 500;

/** Hears which orders a topic speaks of from now on, past Dapr and its consumers, so that none of them is asked for it. */
export async function hearing(port: number, topic: string) {
  const [last] = (await redis(port, ["XREVRANGE", topic, "+", "-", "COUNT", "1"])) as Entry[];
  const heard = new Set<string>();
  let from = last?.[0] ?? "0-0";
  let stopping = false;

  async function listen() {
    while (!stopping) {
      const reply = await redis(port, ["XREAD", "BLOCK", String(blockMs), "STREAMS", topic, from], blockMs + 2000);
      for (const [id, fields] of ((reply as [string, Entry[]][] | null)?.[0]?.[1] ?? []) as Entry[]) {
        from = id;
        heard.add(orderIn(fields));
      }
    }
  }
  const listening = listen();
  // Told by `stop`.
  listening.catch(() => undefined);
  return {
    async of(orderId: string): Promise<void> {
      for (const end = Date.now() + patienceMs; !heard.has(orderId); await pause(2))
        if (Date.now() > end)
          throw new Refusal(`${topic} said nothing of order ${orderId} for ${patienceMs / 1000} s.`);
    },
    async stop(): Promise<void> {
      stopping = true;
      await listening;
    },
  };
}

type Entry = [string, Reply[]];

/** The fields of an entry come as name, value, name, value. */
function orderIn(fields: Reply[]): string {
  const event = JSON.parse(String(fields[fields.indexOf("data") + 1]));
  return event.data.order_id;
}
