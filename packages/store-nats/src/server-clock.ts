import type { Clock } from '@meshwork/core';
import type { Notes } from './parts.ts';

const PROBE_MS = 60_000;

/**
 * The server's time: this machine's own, and how far the server's is ahead of it, which is asked for every minute. A message without content is stored and
 * read back with the time the server gave it; the time of this machine in the middle of that is held against it.
 *
 * @throws {UnavailableError}
 */
export async function createServerClock({ root, messages, publisher }: Notes): Promise<Clock & { close(): void }> {
  const subject = `${root}.clock`;
  let ahead = 0;
  const probe = async () => {
    const note = await messages.last(subject);
    const before = Date.now();
    // Where another asks at the same moment its message does as well: it was stored in between.
    await publisher.publish({ subject, after: note?.sequence ?? 0, fields: [], data: new Uint8Array() });
    const after = Date.now();
    const time = (await messages.last(subject))?.time;
    if (time !== undefined) ahead = time - (before + after) / 2;
  };
  await probe();
  const timer = setInterval(() => void probe().catch(() => {}), PROBE_MS).unref();
  return { now: () => Math.round(Date.now() + ahead), close: () => clearInterval(timer) };
}
