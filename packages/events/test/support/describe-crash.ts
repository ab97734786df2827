import { fork } from 'node:child_process';
import { expect, it } from 'vitest';
import type { StorePlace } from './open-store.ts';

const program = new URL('crash-hub.ts', import.meta.url).pathname;

interface Message {
  readonly what: 'open' | 'published' | 'delivered';
  readonly name: string;
  readonly source: string;
  readonly n: number;
}

/** Runs the hub, and kills it as soon as `isEnough` says so. */
function runAndKill(place: StorePlace, mode: string, hear: (message: Message) => void, isEnough: () => boolean): Promise<void> {
  const child = fork(program, [JSON.stringify(place), mode], { execArgv: ['--conditions=@meshwork/source'] });
  const end = setInterval(() => isEnough() && child.kill('SIGKILL'), 5);
  child.on('message', (message) => {
    hear(message as Message);
    if (isEnough()) child.kill('SIGKILL');
  });
  return new Promise((resolve, reject) =>
    // Not `exit`: what is still in the pipe comes before `close`.
    child.once('close', (code, signal) => {
      clearInterval(end);
      if (signal === 'SIGKILL') resolve();
      else reject(new Error(`the hub ended by itself with ${code}`));
    }),
  );
}

/** At-least-once, while the hub is killed anywhere in the path. */
export function describeCrash(name: string, next: () => Promise<StorePlace>, rounds = 20): void {
  it(`delivers every acknowledged event to every durable subscriber on ${name}, in the order of its source, through ${rounds} kills`, {
    timeout: 240_000,
  }, async () => {
    const place = await next();
    const seed = Date.now() % 100_000;
    console.log(`seed ${seed}`);
    const published = new Map<string, number>();
    const seen = new Map<string, number>();
    let redelivered = 0;
    const disorder: string[] = [];
    const hear = ({ what, name, source, n }: Message) => {
      if (what === 'published') published.set(source, n);
      if (what !== 'delivered') return;
      const key = `${name} ${source}`;
      const before = seen.get(key) ?? 0;
      if (n <= before) redelivered += 1;
      // One that is left out would be missing for ever, or come too late.
      else if (n !== before + 1) disorder.push(`${key}: ${n} after ${before}`);
      seen.set(key, Math.max(before, n));
    };
    for (let round = 0; round < rounds; round++) {
      let heard = 0;
      let openedAt = Number.POSITIVE_INFINITY;
      // By messages and by time, so that it falls between a publish and its record, a record and its delivery, a delivery and its acknowledgement.
      const messages = 1 + ((seed * (round + 1) * 7_919) % 211);
      const killAfterMs = 20 + ((seed * (round + 3) * 104_729) % 230);
      await runAndKill(
        place,
        'publish',
        (message) => {
          if (message.what === 'open') openedAt = Date.now();
          heard += 1;
          hear(message);
        },
        () => (round % 2 === 0 ? heard > messages : Date.now() - openedAt > killAfterMs),
      );
    }
    const isDone = () => [...published].every(([source, n]) => ['one', 'two'].every((name) => (seen.get(`${name} ${source}`) ?? 0) >= n));
    const deadline = Date.now() + 60_000;
    await runAndKill(place, 'drain', hear, () => isDone() || Date.now() > deadline);
    console.log(`published ${JSON.stringify([...published])}, delivered more than once ${redelivered}`);
    expect([...published.values()].every((n) => n > 0) && published.size).toBe(3);
    expect(disorder).toEqual([]);
    expect(isDone()).toBe(true);
  });
}
