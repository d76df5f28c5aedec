import { demoProducts } from "../contracts/demo.js";
import { got, opening, person, tokenOf } from "../tools/demo-client.js";
import { tokensOf } from "../tools/secrets.js";
import type { Ground } from "./ground.js";
import type { Target } from "./load.js";
import { emails, password } from "./people.js";

/** What runs, and at which ports (of an unshifted system) it is asked. */
export type Shape = {
  name: string;
  what: string;
  apps?: string[];
  appEnv: Record<string, string>;
  ports: { orders: number; users: number; inventory: number };
};

export const full: Shape = {
  name: "full",
  what: "all seven services, asked through the gateway",
  appEnv: {},
  ports: { orders: 8080, users: 8080, inventory: 8080 },
};
export const peer: Shape = {
  name: "peer",
  what: "the saga alone, asked at the order service: no gateway, no hold at POST, no notifications",
  apps: ["product", "user", "inventory", "payment", "order"],
  appEnv: { HOLD_AT_POST: "off" },
  ports: { orders: 8082, users: 8083, inventory: 8086 },
};
export const shapes = [full, peer];

const plenty = 1_000_000;

/** Signs the customer in and lets staff fill the shelves, so that nothing runs out. */
export async function prepare({ ports }: Shape, { portBase, dir }: Pick<Ground, "portBase" | "dir">): Promise<Target> {
  const at = (port: number) => `http://127.0.0.1:${port + portBase - 8080}`;
  // For services that are asked past their sidecar; the gateway does not look at it.
  const as = (app: string) => opening(tokensOf(dir, app).app);
  const products: [string, string] = [demoProducts[0]!.id, demoProducts[1]!.id];

  const staffToken = await tokenOf(at(ports.users), emails.staff, password, as("user"));
  const staff = person(at(ports.inventory), staffToken, as("inventory"));
  for (const product_id of products) await got(staff.setStock({ params: { product_id }, body: { on_hand: plenty } }));

  const token = await tokenOf(at(ports.users), emails.ada, password, as("user"));
  return {
    urls: [at(ports.orders)],
    token,
    headers: as("order"),
    products,
    onTheWay: ["payment_required", "paid"],
    arrived: "processing",
  };
}
