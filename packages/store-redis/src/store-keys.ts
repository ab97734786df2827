/**
 * The Redis keys of one store. All have the prefix as their hash tag, so that in a cluster they are in one slot, which is what a script may touch
 * (Redis Cluster specification, "Hash tags").
 */
export interface StoreKeys {
  /** Those every write works on, in the order its script counts on. The fifth, the history of changes, is the name of the channel as well. */
  readonly common: readonly [meta: string, values: string, names: string, expiries: string, changes: string, heads: string, streams: string];
  /** The key of a journal's stream. */
  stream(name: string): string;
}

/** @throws TypeError when the prefix is none. */
export function storeKeys(prefix: string): StoreKeys {
  if (!/^[\w.:-]{1,64}$/.test(prefix))
    throw new TypeError(`the prefix ${JSON.stringify(prefix)} must be 1 to 64 of letters, digits and "_.:-", as in "meshwork"`);
  const of = (part: string) => `{${prefix}}:${part}`;
  return {
    common: [of('meta'), of('values'), of('names'), of('expiries'), of('changes'), of('heads'), of('streams')],
    stream: (name) => of(`stream:${name}`),
  };
}
