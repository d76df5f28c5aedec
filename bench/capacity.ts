// How many of each part so many orders per second need: from what one order costs each part, and nothing else.

/** What a part takes: milliseconds of CPU for one order more, and per second before the first one; what it holds, in MB. */
export type Cost = { order: number; base: number; memory: number };
export type Costs = Record<string, Cost>;

/** How full a core may be: what is above is left to bursts, to collectors, and to the replicas beside one that died. */
const fullness = 0.6;
/** A replica that is replaced, or dies, needs another one beside it. */
const least = 2;

export type Part = {
  name: string;
  /** Cores in use, of all its instances together. */
  cores: number;
  instances: number;
  /** Memory of all of them, in MB. */
  memory: number;
};

/** Cores that a part keeps busy at this rate. */
export const coresAt = (rate: number, { order, base }: Cost): number => (base + rate * order) / 1000;

/** Of apps, each a Node process that runs on one core, so many with their sidecars; of everything else only the cores. */
export function plan(rate: number, costs: Costs): Part[] {
  return Object.entries(costs)
    .filter(([name]) => !name.endsWith("-daprd"))
    .map(([name, cost]) => {
      const cores = coresAt(rate, cost);
      const sidecar = costs[`${name}-daprd`];
      if (!sidecar) return { name, cores, instances: 1, memory: cost.memory };
      const instances = Math.max(least, Math.ceil((rate * cost.order) / 1000 / (fullness - cost.base / 1000)));
      return {
        name,
        cores: (rate * (cost.order + sidecar.order) + instances * (cost.base + sidecar.base)) / 1000,
        instances,
        memory: instances * (cost.memory + sidecar.memory),
      };
    });
}

/** A partition's events are handled one after the other, so each can take so many per second and no more. */
export const partitions = (rate: number, handlingMs: number): number =>
  Math.ceil((rate * handlingMs) / 1000 / fullness);
