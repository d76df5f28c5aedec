// Line drawings for what the shop sells, by words of the name; anything else is a parcel.

const drawings: [RegExp, string][] = [
  [
    /espresso|cups/i,
    "M10 18h22v8a11 11 0 0 1-22 0zM32 20h3a5 5 0 0 1 0 10h-4M8 41h26M16 13c-2-3 2-4 0-7M25 13c-2-3 2-4 0-7",
  ],
  [/mill/i, "M17 20h14l3 19H14zM20 20c-3-6 1-9 4-9s7 3 4 9M24 11V7M24 7h12M36 5v4M14 39h20"],
  [/stand/i, "M12 42h24M16 42V14M32 42V14M12 14h24M18 14l4 10h4l4-10M22 28h4M19 42a5 7 0 0 1 10 0"],
  [/filters?/i, "M8 12h32L30 38H18zM24 12v26M13 12l8 26M35 12l-8 26"],
  [/decaf/i, "M14 14h20l2 28H12zM14 14l2-6h16l2 6M24 22c6 4 6 10 0 14-6-4-6-10 0-14zM20 38l8-18"],
  [/blend|beans?/i, "M14 14h20l2 28H12zM14 14l2-6h16l2 6M24 22c6 4 6 10 0 14-6-4-6-10 0-14zM24 22c-2 5 2 9 0 14"],
  [/kettle/i, "M14 40h20l-3-18H17zM19 22a5 5 0 0 1 10 0M24 17v-3M31 28c8 2 4-12 12-14M15 34c-6 0-8-10 1-10"],
  [/scale/i, "M8 22h32v18H8zM14 16h20v6H14zM24 22v-6M17 31h14M17 31v4h14v-4"],
  [/jug/i, "M15 12h18l-2 30H17zM15 12l-6 5 7 3M33 18c8 0 8 15-1 15"],
  [/spoon/i, "M24 22v20M24 22c-7 0-7-16 0-16s7 16 0 16z"],
  [/press/i, "M14 16h18v26H14zM23 16V6M19 6h8M14 28h18M32 20c8 0 8 14 0 14M17 36h12"],
  [/apron/i, "M18 8c0 8 12 8 12 0M18 8l-2 12-6 3v19h28V23l-6-3-2-12M17 30h14v8H17z"],
  [/dripper/i, "M10 14h28l-8 18H18zM16 32h16M14 38h20M38 18c6 0 6 8-3 8M20 14l3 18M28 14l-3 18"],
];
const parcel = "M8 16l16-8 16 8v18l-16 8-16-8zM8 16l16 8 16-8M24 24v18";

export const Drawing = ({ name }: { name: string }) => (
  <svg class="drawing" viewBox="0 0 48 48" aria-hidden="true">
    <path d={drawings.find(([words]) => words.test(name))?.[1] ?? parcel} />
  </svg>
);
