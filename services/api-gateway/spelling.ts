// GraphQL's camelCase and the contract's snake_case are the same names.

export const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Input as the contract spells it; the keys of metadata are the client's own. */
export function asContract(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asContract);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => [
    snake(name),
    name === "metadata" ? inner : asContract(inner),
  ]);
  return Object.fromEntries(entries);
}
