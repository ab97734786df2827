import { startContender } from './contender.ts';
import { median } from './median.ts';

export interface DoorSizes {
  readonly rounds: number;
  readonly durationMs: number;
}

/** What a credential adds to the middle of the latencies of a call over HTTP, one call at a time, in milliseconds. */
export async function measureDoor(credentials: readonly string[], { rounds, durationMs }: DoorSizes): Promise<ReadonlyMap<string, number>> {
  const open = await startContender('open door', 'door.ts', ['open']);
  const guarded = [];
  try {
    for (const name of credentials) guarded.push(await startContender(name, 'door.ts', [name]));
    const options = { connections: 1, durationMs };
    for (const contender of [open, ...guarded]) await contender.measure(options);
    const added = new Map<string, number[]>(credentials.map((name) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      const { p50 } = await open.measure(options);
      for (const contender of guarded) added.get(contender.name)?.push((await contender.measure(options)).p50 - p50);
    }
    return new Map([...added].map(([name, figures]) => [name, median(figures)]));
  } finally {
    for (const contender of [open, ...guarded]) await contender.stop();
  }
}
