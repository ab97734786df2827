import { connect } from 'node:net';
import { startContender } from './contender.ts';

export interface MemoryFigures {
  /** Bytes in use on the heap after a collection, before and after; the difference as a share. */
  readonly before: number;
  readonly after: number;
  readonly growth: number;
}

/** What a hub keeps after many calls and many connections that come and go. */
export async function measureMemory({ calls, connects }: { readonly calls: number; readonly connects: number }): Promise<MemoryFigures> {
  const contender = await startContender('meshwork', 'meshwork.ts', ['60'], ['--expose-gc']);
  try {
    const warm = await untilCalls(contender, Math.ceil(calls / 5));
    const before = (await contender.usage()).heapUsed;
    await untilCalls(contender, calls);
    const { port } = new URL(warm.url);
    for (let opened = 0; opened < connects; opened += 100)
      await Promise.all(Array.from({ length: Math.min(100, connects - opened) }, () => openAndClose(Number(port))));
    const after = (await contender.usage()).heapUsed;
    return { before, after, growth: after / before - 1 };
  } finally {
    await contender.stop();
  }
}

async function untilCalls(contender: Awaited<ReturnType<typeof startContender>>, calls: number): Promise<{ url: string }> {
  for (let done = 0; done < calls; ) done += (await contender.measure({ connections: 32, durationMs: 1_000 })).calls;
  return contender;
}

function openAndClose(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => socket.destroy());
    socket.once('close', () => resolve()).once('error', reject);
  });
}
