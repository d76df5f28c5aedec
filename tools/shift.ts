/** A copy of a YAML document for one instance: its ports moved by `offset`, its `.run/` turned into `dir/`. */
export function shift<T>(document: T, instance: { offset: number; dir: string }): T {
  return shifted(document, "", instance) as T;
}

function shifted(value: unknown, key: string, instance: { offset: number; dir: string }): unknown {
  if (typeof value === "number") return /port$/i.test(key) ? value + instance.offset : value;
  if (typeof value === "string") return text(value, instance);
  if (Array.isArray(value)) return value.map((item) => shifted(item, key, instance));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, shifted(item, name, instance)]));
}

function text(value: string, { offset, dir }: { offset: number; dir: string }): string {
  return value
    .replace(/127\.0\.0\.1:(\d+)/g, (_, port) => `127.0.0.1:${Number(port) + offset}`)
    .replace(/(^|[^\w./-])\.run\//g, (_, before) => `${before}${dir}/`);
}
