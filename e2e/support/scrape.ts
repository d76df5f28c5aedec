import { type AppId, apps, port } from "./system.js";

// An app's own metrics, as they are served.

/** A line of the text format: the name without what a histogram adds to it, and the labels. */
export type Sample = { name: string; labels: Record<string, string>; value: number };
export type Scrape = {
  samples: Sample[];
  units: Record<string, string>;
  types: Record<string, string>;
  helps: Record<string, string>;
};

export const appIds = Object.keys(apps) as AppId[];
const sidecarMetrics = (app: AppId) => port(apps[app][1] + 300);

export const textOf = async (at: number): Promise<string> => (await fetch(`http://127.0.0.1:${at}/metrics`)).text();
export const sidecarText = (app: AppId) => textOf(sidecarMetrics(app));

export async function scrape(app: AppId): Promise<Scrape> {
  const lines = (await textOf(sidecarMetrics(app) + 100)).split("\n");
  const said = (word: string) =>
    Object.fromEntries(
      lines
        .filter((line) => line.startsWith(`# ${word} `))
        .map((line) => {
          const [, , name, ...rest] = line.split(" ");
          return [name as string, rest.join(" ")];
        }),
    );
  const types = said("TYPE");
  const nameOf = (full: string) => {
    const base = full.replace(/_(bucket|sum|count)$/, "");
    return types[base] === "histogram" ? base : full;
  };
  const samples = lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [, full, inside = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) as unknown as string[];
      const labels = [...(inside as string).matchAll(/(\w+)="([^"]*)"/g)].map(([, label, text]) => [label, text]);
      return { name: nameOf(full as string), labels: Object.fromEntries(labels), value: Number(value) };
    });
  return { samples, types, units: said("UNIT"), helps: said("HELP") };
}

/** A series without its buckets: what makes the number of series grow. */
export const seriesOf = ({ samples }: Scrape): string[] => [
  ...new Set(
    samples.map(({ name, labels: { le: _, ...labels } }) => `${name} ${JSON.stringify(Object.entries(labels).sort())}`),
  ),
];
