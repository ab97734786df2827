/** What was asked for lately, by name; bounded, and what is asked for again stays. */
export interface RecentMap<Value> {
  get(name: string): Value | undefined;
  set(name: string, value: Value): void;
  delete(name: string): void;
}

/** Keeps between `size` and twice as many: when the young are that many, they become the old, and what nobody asked for meanwhile is forgotten. */
export function createRecentMap<Value>(size: number): RecentMap<Value> {
  let young = new Map<string, Value>();
  let old = new Map<string, Value>();
  const set = (name: string, value: Value) => {
    if (young.size >= size) {
      old = young;
      young = new Map();
    }
    young.set(name, value);
  };
  return {
    get(name) {
      const found = young.get(name);
      if (found !== undefined) return found;
      const kept = old.get(name);
      if (kept !== undefined) set(name, kept);
      return kept;
    },
    set,
    delete(name) {
      young.delete(name);
      old.delete(name);
    },
  };
}
