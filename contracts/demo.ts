/** Of all demo accounts, unless DEMO_PASSWORD names another. */
export const demoPassword = "demo-password-1";

/** What the local profile starts with (SEED_DEMO=true); never seeded elsewhere. */
const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

export const demoAccounts = [
  { id: id(1), email: "admin@orders.local", name: "Alex Admin", roles: ["admin"] },
  { id: id(2), email: "staff@orders.local", name: "Sam Staff", roles: ["staff"] },
  { id: id(3), email: "ada@orders.local", name: "Ada Lovelace", roles: ["customer"] },
  { id: id(4), email: "bob@orders.local", name: "Bob Kahn", roles: ["customer"] },
] as const;

/** Prices in cents of a euro. */
export const demoProducts = [
  ["Espresso cups, set of two", "Thick porcelain, keeps the heat.", 1850, 500],
  ["Hand coffee mill", "Steel burrs, thirty grams.", 6400, 200],
  ["Pour-over stand", "Oak and brass.", 4900, 150],
  ["Paper filters, 100", "Unbleached, size 2.", 595, 2000],
  ["House blend, 500 g", "Chocolate and hazelnut, roasted on Mondays.", 1250, 1000],
  ["Kettle with a swan neck", "One litre, with thermometer.", 7900, 120],
  ["Kitchen scale", "To a tenth of a gram, with a timer.", 3900, 180],
  ["Milk jug", "Stainless steel, 350 ml.", 1600, 300],
  ["Tasting spoon", "Silver plated.", 2200, 90],
  ["Travel press", "Doubles as a cup.", 3350, 160],
  ["Barista apron", "Waxed cotton.", 5400, 75],
  ["Decaf, 250 g", "Washed with water only.", 795, 400],
  ["Porcelain dripper", "Last piece of a small series.", 2900, 1],
].map(([name, description, price, stock], n) => ({
  id: id(101 + n),
  name: name as string,
  description: description as string,
  price: price as number,
  currency: "EUR",
  stock: stock as number,
}));
