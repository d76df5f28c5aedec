import { useEffect, useState } from "preact/hooks";

/** A value that components can follow. */
export function store<T>(initial: T) {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next: T) {
      value = next;
      for (const tell of listeners) tell();
    },
    use(): T {
      const [, redraw] = useState(0);
      useEffect(() => {
        const tell = () => redraw((n) => n + 1);
        listeners.add(tell);
        tell();
        return () => void listeners.delete(tell);
      }, []);
      return value;
    },
  };
}

/** The same, kept in the browser under a name as JSON. What cannot be read is as if it were not there. */
export function kept<T>(storage: Storage, name: string, initial: T) {
  const inner = store<T>(stored() ?? initial);
  function stored(): T | undefined {
    try {
      return JSON.parse(storage.getItem(name) ?? "null") ?? undefined;
    } catch {
      return undefined;
    }
  }
  return {
    ...inner,
    set(next: T) {
      storage.setItem(name, JSON.stringify(next));
      inner.set(next);
    },
  };
}
