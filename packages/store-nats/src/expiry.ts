import { createExpiryQueue } from '@meshwork/core';
import { isExpired, stateOf } from './key-state.ts';
import { createPager } from './pager.ts';
import type { Parts } from './parts.ts';
import { keyOf } from './subjects.ts';

/** Takes out what has expired, so that watchers hear of it; to readers it is gone anyway. */
export interface Expiry {
  /** A key of this process expires then, in milliseconds since the Unix epoch. */
  note(key: string, expires: number): void;
  close(): void;
}

const TURN_MS = 1_000;
/** All keys are looked through so often, for those whose process is gone; what expires until the next time is remembered. */
const SURVEY_MS = 300_000;
const FIRST_SURVEY_MS = 5_000;
const TOGETHER = 200;
const PAGE = 500;

export function createExpiry({ link, stream, root, now }: Parts, takeOut: (key: string) => Promise<void>): Expiry {
  const queue = createExpiryQueue();
  let busy = false;

  const note = (key: string, expires: number) => {
    if (expires <= now() + 2 * SURVEY_MS) queue.set(key, expires);
  };
  const turn = async () => {
    for (let some = takeSome(); some.length > 0; some = takeSome())
      await Promise.all(
        some.map((key) =>
          takeOut(key).catch(() => {
            if (!link.closing.aborted) queue.set(key, now() + TURN_MS);
          }),
        ),
      );
  };
  const takeSome = () => {
    const some: string[] = [];
    for (let key = queue.takeDue(now()); key !== undefined; key = some.length < TOGETHER ? queue.takeDue(now()) : undefined) some.push(key);
    return some;
  };
  const survey = async () => {
    const pager = createPager({ link, stream, filter: `${root}.>`, headersOnly: true });
    try {
      for (;;) {
        const page = await pager.page(PAGE);
        for (const message of page) {
          const state = stateOf(message);
          if (isExpired(state, now() + SURVEY_MS + TURN_MS)) queue.set(keyOf(root, message.subject), state.expires);
        }
        if (page.length === 0 || page.at(-1)?.pending === 0) return;
      }
    } finally {
      pager.close();
    }
  };
  const turner = setInterval(() => {
    if (busy) return;
    busy = true;
    void turn()
      .catch(() => {})
      .finally(() => {
        busy = false;
      });
  }, TURN_MS).unref();
  // What fails is tried again at the next turn.
  const first = setTimeout(() => void survey().catch(() => {}), FIRST_SURVEY_MS).unref();
  const surveyor = setInterval(() => void survey().catch(() => {}), SURVEY_MS).unref();
  return {
    note,
    close() {
      clearInterval(turner);
      clearInterval(surveyor);
      clearTimeout(first);
    },
  };
}
