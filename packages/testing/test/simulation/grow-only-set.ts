import type { Machine } from '@meshwork/testing/simulation';

/** A correct toy: what is added is kept on disk first, and told to everybody until everybody has it. */
export interface GrowOnlySet {
  add(item: string): Promise<void>;
  items(): readonly string[];
}

const SYNC_EVERY_MS = 200;

export function growOnlySet(peers: readonly string[]) {
  return async ({ name, disk, network }: Machine): Promise<GrowOnlySet> => {
    const items = new Set<string>();
    for await (const { value } of disk.read('items')) items.add(String(value));
    const links = peers.filter((peer) => peer !== name).map((peer) => network.link(peer));
    const tell = () => {
      for (const link of links) link.send(new TextEncoder().encode(JSON.stringify([...items].sort())));
    };
    network.listen({
      hear(_from, message) {
        for (const item of JSON.parse(new TextDecoder().decode(message)) as string[]) items.add(item);
      },
    });
    setInterval(tell, SYNC_EVERY_MS);
    return {
      async add(item) {
        await disk.append('items', [item]);
        items.add(item);
        tell();
      },
      items: () => [...items].sort(),
    };
  };
}
