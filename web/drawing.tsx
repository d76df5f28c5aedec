import { useEffect, useState } from "preact/hooks";
import { type Picture, type Place, type Stop, stations, wayBack } from "./picture.js";

const icons: Record<Place, string> = {
  placed: "M6 8h12l-1 12H7zM9 8a3 3 0 0 1 6 0",
  payment: "M4 7h16v11H4zM4 11h16",
  goods: "M4 8l8-4 8 4v8l-8 4-8-4zM4 8l8 4 8-4M12 12v8",
  shipped: "M3 7h11v9H3zM14 10h4l3 3v3h-7M6 19h.01M17.5 19h.01",
  delivered: "M4 11l8-7 8 7M6 10v10h12V10M10 20v-6h4v6",
  cancelled: "M7 7l10 10M17 7L7 17",
  goodsBack: "M4 8l8-4 8 4v8l-8 4-8-4zM15 12H8M11 9l-3 3 3 3",
  moneyBack: "M12 4a8 8 0 1 0 .01 0M16 12H8M11 9l-3 3 3 3",
};

type Point = { x: number; y: number };
type Layout = {
  width: number;
  height: (lit: boolean) => number;
  at: Record<Place, Point>;
  /** Where the words of a stop begin, from its centre. */
  words: { dx: number; dy: number; anchor: "middle" | "start" };
  turn: (from: Point, to: Point) => string;
  chips: (n: number, of: number) => Point;
};

const placed = (point: (n: number) => Point, places: readonly Place[]) =>
  Object.fromEntries(places.map((place, n) => [place, point(n)]));

const wide: Layout = {
  width: 860,
  height: () => 318,
  at: {
    ...placed((n) => ({ x: 80 + 175 * n, y: 86 }), stations),
    ...placed((n) => ({ x: 605 - 175 * n, y: 240 }), wayBack),
  } as Layout["at"],
  words: { dx: 0, dy: 51, anchor: "middle" },
  turn: ({ x, y }, to) =>
    to.x - x > 260
      ? `M${x + 24} ${y}h22c52 0 24 92 76 92H${to.x - 100}c50 0 36 ${to.y - y - 92} 76 ${to.y - y - 92}`
      : `M${x + 24} ${y}h14c66 0 36 ${to.y - y} 96 ${to.y - y}H${to.x - 24}`,
  chips: (n, of) => ({ x: 255 + (n - (of - 1) / 2) * 34, y: 30 }),
};
const tall: Layout = {
  width: 340,
  height: (lit) => (lit ? 660 : 420),
  at: {
    ...placed((n) => ({ x: 44, y: 40 + 84 * n }), stations),
    ...placed((n) => ({ x: 84, y: 472 + 76 * n }), wayBack),
  } as Layout["at"],
  words: { dx: 40, dy: -2, anchor: "start" },
  turn: ({ x, y }, to) => `M${x - 24} ${y}c-16 0-14 12-14 26V${to.y - 26}c0 20 8 26 22 26H${to.x - 24}`,
  chips: (n, of) => ({ x: 318 - (of - 1 - n) * 32, y: 124 }),
};

function useWide(): boolean {
  const query = "(min-width: 760px)";
  const [is, setIs] = useState(matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const changed = () => setIs(list.matches);
    list.addEventListener("change", changed);
    return () => list.removeEventListener("change", changed);
  }, []);
  return is;
}

const cut = (text: string, most = 28) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function Station({ place, stop, layout, back }: { place: Place; stop: Stop; layout: Layout; back?: boolean }) {
  const { x, y } = layout.at[place];
  const { dx, dy, anchor } = layout.words;
  return (
    <g class={`stop ${stop.state} ${back ? "back" : ""}`} data-place={place} data-state={stop.state}>
      <circle class="halo" cx={x} cy={y} r="31" />
      <circle class="disc" cx={x} cy={y} r="24" />
      <path
        class="icon"
        transform={`translate(${x - 12} ${y - 12})`}
        d={stop.state === "failed" ? icons.cancelled : icons[place]}
      />
      <text class="title" x={x + dx} y={y + dy} text-anchor={anchor}>
        {stop.title}
      </text>
      <text class="note" x={x + dx} y={y + dy + 19} text-anchor={anchor}>
        {cut(stop.note)}
      </text>
    </g>
  );
}

const isReached = ({ state }: Stop) => state !== "ahead" && state !== "skipped";

/** The saga, moving. Its sentence is said by the page around it. */
export function SagaDrawing({ drawn }: { drawn: Picture }) {
  const layout = useWide() ? wide : tall;
  const { stops, here, turnedAt, attempts, askedAgain } = drawn;
  const lit = wayBack.some((place) => stops[place].state !== "ahead");
  const back = lit || layout === wide;
  const { x, y } = layout.at[here];
  const line = (from: Place, to: Place) => {
    const [a, b] = [layout.at[from], layout.at[to]];
    return `M${a.x} ${a.y}L${b.x} ${b.y}`;
  };
  // A station that was passed by has the line through it lit.
  const last = stations.findLastIndex((place) => isReached(stops[place]));
  const shown = attempts.slice(-4);
  return (
    <svg
      class={`saga ${turnedAt ? "turned" : ""}`}
      viewBox={`0 0 ${layout.width} ${layout.height(lit)}`}
      role="img"
      aria-label={drawn.summary}
    >
      {back && (
        <g class={`lane ${lit ? "lit" : ""}`}>
          {!turnedAt && <path class="line" d={layout.turn(layout.at.goods, layout.at.cancelled)} />}
          {wayBack.slice(1).map((place, n) => (
            <path key={place} class="line" d={line(wayBack[n] as Place, place)} />
          ))}
        </g>
      )}
      {stations.slice(1).map((place, n) => (
        <g key={place}>
          <path class="line" d={line(stations[n] as Place, place)} />
          <path
            class={`line run ${n < last ? "lit" : ""} ${stops[place].state === "active" ? "flows" : ""}`}
            pathLength="1"
            d={line(stations[n] as Place, place)}
          />
        </g>
      ))}
      {turnedAt && (
        <>
          <path class="line run back lit" pathLength="1" d={layout.turn(layout.at[turnedAt], layout.at.cancelled)} />
          {wayBack.slice(1).map((place, n) => (
            <path
              key={place}
              class={`line run back ${isReached(stops[place]) ? "lit" : ""}`}
              pathLength="1"
              d={line(wayBack[n] as Place, place)}
            />
          ))}
        </>
      )}
      {back && (
        <g class={`lane ${lit ? "lit" : ""}`}>
          {wayBack.map((place) => (
            <Station key={place} place={place} stop={stops[place]} layout={layout} back />
          ))}
        </g>
      )}
      {stations.map((place) => (
        <Station key={place} place={place} stop={stops[place]} layout={layout} />
      ))}
      {shown.map(({ n, state, note }, place) => {
        const point = layout.chips(place, shown.length);
        return (
          <g class={`chip ${state}`} key={n}>
            <title>{`Attempt ${n}: ${note}`}</title>
            <circle cx={point.x} cy={point.y} r="13" />
            <text x={point.x} y={point.y + 4.5} text-anchor="middle">
              {n}
            </text>
          </g>
        );
      })}
      <g class="token" style={{ transform: `translate(${x}px, ${y}px)` }}>
        <circle r="33" />
      </g>
      {askedAgain.now > 0 && (
        <text
          class="again"
          x={layout === wide ? x : 318}
          y={layout === wide ? y - 42 : y + 20}
          text-anchor={layout === wide ? "middle" : "end"}
        >
          ↻ asked again {askedAgain.now}×
        </text>
      )}
    </svg>
  );
}
