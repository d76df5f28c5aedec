import type { HoldAnswer, StockLine, StockView } from "../../contracts/inventory.js";

// Every rule about stock is here. on_hand: owned and not reserved; held: part of on_hand, promised; reserved: sold.
// on_hand + reserved changes by adjustments alone. A hold is keyed by its order, and an undo leaves a mark.

export type Stock = { product_id: string; on_hand: number; held: number; reserved: number };

export type Hold = {
  order_id: string;
  items: StockLine[];
  /** closed: released or returned, for good. lapsed: ran out, may be made again. short: there was not enough. */
  status: "held" | "lapsed" | "reserved" | "short" | "closed";
  expires_at: string | null;
  /** What was answered, to be said again. */
  reservation: { reservation_id: string; reserved_at: string } | null;
  shortage: { product_id: string; requested_qty: number; available_qty: number; timestamp: string } | null;
  released: { items: StockLine[]; released_at: string } | null;
};

export type Adjustment = { product_id: string; delta: number; actor: string; at: string };

export type Command =
  /** Promise the goods until a time. By POST for a minute, by `orders.created` for the payment window. */
  | { type: "hold"; order_id: string; items: StockLine[]; until: string }
  | { type: "reserve"; order_id: string; items: StockLine[]; reservation_id: string }
  | { type: "release"; order_id: string }
  | { type: "lapse"; order_id: string }
  | { type: "adjust"; product_id: string; on_hand: number; actor: string };

export type Reply = HoldAnswer | { kind: "reserved" | "released" | "lapsed" | "unchanged" } | Adjusted;
type Adjusted = { kind: "adjusted"; stock: StockView } | { kind: "below_held"; held: number };

export type Decision = {
  reply: Reply;
  stock: Stock[];
  hold?: Hold;
  adjustment?: Adjustment;
  /** The stored answer to be said, or said again. */
  say?: "inventory.reserved" | "inventory.out_of_stock" | "inventory.released";
};

export type Shelf = (productId: string) => Stock | undefined;

const same = (reply: Reply, say?: Decision["say"]): Decision => ({ reply, stock: [], ...(say && { say }) });
const none = (product_id: string): Stock => ({ product_id, on_hand: 0, held: 0, reserved: 0 });

export function decide(command: Command, shelf: Shelf, hold: Hold | undefined, now: string): Decision {
  switch (command.type) {
    case "hold":
      return decideHold(command, shelf, hold, now);
    case "reserve":
      return decideReserve(command, shelf, hold, now);
    case "release":
      return decideRelease(command.order_id, shelf, hold, now);

    case "lapse": {
      if (hold?.status !== "held" || !hold.expires_at || hold.expires_at > now) return same({ kind: "unchanged" });
      const stock = move(hold.items, shelf, { held: -1 });
      return { reply: { kind: "lapsed" }, stock, hold: { ...hold, status: "lapsed", expires_at: null } };
    }

    case "adjust": {
      const { product_id, on_hand, actor } = command;
      const present = shelf(product_id) ?? none(product_id);
      if (on_hand < present.held) return same({ kind: "below_held", held: present.held });
      const next = { ...present, on_hand };
      const adjustment = { product_id, delta: on_hand - present.on_hand, actor, at: now };
      return { reply: { kind: "adjusted", stock: view(next) }, stock: [next], adjustment };
    }

    default:
      return command satisfies never;
  }
}

function decideHold(
  { order_id, items, until }: Command & { type: "hold" },
  shelf: Shelf,
  hold: Hold | undefined,
  now: string,
): Decision {
  if (hold?.status === "closed") return same({ kind: "closed" });
  if (hold?.status === "reserved") return same({ kind: "held" });
  if (hold?.status === "short") return same({ kind: "unchanged" });
  if (hold?.status === "held" && equal(hold.items, items)) {
    if (hold.expires_at && hold.expires_at >= until) return same({ kind: "held" });
    return { reply: { kind: "held" }, stock: [], hold: { ...hold, expires_at: until } };
  }
  const freed = overlay(shelf, hold?.status === "held" ? move(hold.items, shelf, { held: -1 }) : []);
  const short = shortage(items, freed.shelf);
  if (short) return same({ kind: "out_of_stock", ...short });
  if (until <= now) return same({ kind: "held" });
  const stock = freed.with(move(items, freed.shelf, { held: 1 }));
  return { reply: { kind: "held" }, stock, hold: { ...fresh(order_id, items), status: "held", expires_at: until } };
}

/** The hold becomes a reservation; without a hold, or after it lapsed, whatever is available counts. */
function decideReserve(
  command: Command & { type: "reserve" },
  shelf: Shelf,
  hold: Hold | undefined,
  now: string,
): Decision {
  const { order_id, items, reservation_id } = command;
  if (hold?.status === "reserved") return same({ kind: "reserved" }, "inventory.reserved");
  if (hold?.status === "short") return same({ kind: "unchanged" }, "inventory.out_of_stock");
  if (hold?.status === "closed") return same({ kind: "unchanged" });
  const freed = overlay(shelf, hold?.status === "held" ? move(hold.items, shelf, { held: -1 }) : []);
  const base = hold ?? fresh(order_id, items);
  const short = shortage(items, freed.shelf);
  if (short) {
    const kept: Hold = { ...base, items, status: "short", expires_at: null, shortage: { ...short, timestamp: now } };
    return {
      reply: { kind: "out_of_stock", ...short },
      stock: freed.with([]),
      hold: kept,
      say: "inventory.out_of_stock",
    };
  }
  const reservation = { reservation_id, reserved_at: now };
  const stock = freed.with(move(items, freed.shelf, { on_hand: -1, reserved: 1 }));
  const kept: Hold = { ...base, items, status: "reserved", expires_at: null, reservation };
  return { reply: { kind: "reserved" }, stock, hold: kept, say: "inventory.reserved" };
}

/** Holds are released, reservations returned. Where there was nothing yet, the mark keeps a late hold out. */
function decideRelease(order_id: string, shelf: Shelf, hold: Hold | undefined, now: string): Decision {
  if (hold?.status === "closed") return same({ kind: "released" }, "inventory.released");
  const had = hold?.status === "held" || hold?.status === "reserved";
  const back = hold?.status === "held" ? { held: -1 } : { on_hand: 1, reserved: -1 };
  const stock = hold && had ? move(hold.items, shelf, back) : [];
  const released = { items: hold && had ? hold.items : [], released_at: now };
  const kept: Hold = { ...(hold ?? fresh(order_id, [])), status: "closed", expires_at: null, released };
  return { reply: { kind: "released" }, stock, hold: kept, say: "inventory.released" };
}

const fresh = (order_id: string, items: StockLine[]): Hold => ({
  order_id,
  items,
  status: "held",
  expires_at: null,
  reservation: null,
  shortage: null,
  released: null,
});

function shortage(items: StockLine[], shelf: Shelf) {
  for (const { product_id, quantity } of items) {
    const { on_hand, held } = shelf(product_id) ?? none(product_id);
    if (on_hand - held < quantity) return { product_id, requested_qty: quantity, available_qty: on_hand - held };
  }
  return undefined;
}

type Move = { on_hand?: number; held?: number; reserved?: number };

function move(items: StockLine[], shelf: Shelf, { on_hand = 0, held = 0, reserved = 0 }: Move): Stock[] {
  return items.map(({ product_id, quantity }) => {
    const stock = shelf(product_id) ?? none(product_id);
    return {
      product_id,
      on_hand: stock.on_hand + on_hand * quantity,
      held: stock.held + held * quantity,
      reserved: stock.reserved + reserved * quantity,
    };
  });
}

/** A shelf with changes laid over it; `with` adds more and gives all of them, the last per product. */
function overlay(shelf: Shelf, changes: Stock[]) {
  const changed = new Map(changes.map((stock) => [stock.product_id, stock]));
  return {
    shelf: ((id) => changed.get(id) ?? shelf(id)) as Shelf,
    with: (more: Stock[]) => [...new Map([...changes, ...more].map((stock) => [stock.product_id, stock])).values()],
  };
}

/** One line per product, whatever the request repeated. */
export function merged(items: StockLine[]): StockLine[] {
  const quantities = new Map<string, number>();
  for (const { product_id, quantity } of items)
    quantities.set(product_id, (quantities.get(product_id) ?? 0) + quantity);
  return [...quantities].map(([product_id, quantity]) => ({ product_id, quantity }));
}

const equal = (a: StockLine[], b: StockLine[]): boolean =>
  a.length === b.length &&
  a.every((line) => b.some((other) => other.product_id === line.product_id && other.quantity === line.quantity));

export const view = ({ product_id, on_hand, held, reserved }: Stock): StockView => ({
  product_id,
  on_hand,
  held,
  available: on_hand - held,
  reserved,
});
