import type { RegisterOutput } from '@meshwork/testing/linearizability';
import type { Machine } from '@meshwork/testing/simulation';

/** A wrong toy: the write with the latest wall clock wins, and a write is acknowledged before anybody else has it. */
export interface LastWriteWins {
  write(value: number): Promise<void>;
  read(): Promise<RegisterOutput>;
}

interface Held {
  readonly time: number;
  readonly value: number;
}

export function lastWriteWins(peers: readonly string[]) {
  return async ({ name, clock, disk, network }: Machine): Promise<LastWriteWins> => {
    let held: Held | undefined = ((await disk.get('held'))?.value ?? undefined) as Held | undefined;
    const links = peers.filter((peer) => peer !== name).map((peer) => network.link(peer));
    const tell = () => {
      if (held !== undefined) for (const link of links) link.send(new TextEncoder().encode(JSON.stringify(held)));
    };
    const take = (next: Held) => {
      if (held === undefined || next.time > held.time) held = next;
    };
    network.listen({ hear: (_from, message) => take(JSON.parse(new TextDecoder().decode(message))) });
    setInterval(tell, 200);
    return {
      async write(value) {
        take({ time: clock.now(), value });
        await disk.put('held', { ...held } as { time: number; value: number });
        tell();
      },
      read: async () => held?.value,
    };
  };
}
