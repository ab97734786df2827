import { ClosedError, checkName, checkTtl, type KeyValueChange, type KeyValueStore, refuseStaleKey } from '@meshwork/core';
import { createExpiry } from './expiry.ts';
import { createGate } from './gate.ts';
import { createHistory } from './history.ts';
import { isExpired, type KeyState, NO_KEY, revisionOf, stateOf, timeLeft } from './key-state.ts';
import { listKeys } from './list-keys.ts';
import type { Message } from './messages.ts';
import { createPager, type Pager } from './pager.ts';
import type { Parts } from './parts.ts';
import { patiently } from './patiently.ts';
import { createSlots, type Slot } from './slots.ts';
import { infoOf } from './streams.ts';
import { filterOf, keyOf, subjectOf } from './subjects.ts';
import { type Content, fromContent, toContent } from './value.ts';

const PAGE = 500;
/** A consumer that died with its server is noticed after about this. */
const WAIT_MS = 2_000;
const EMPTY = new Uint8Array();

/** Each change is a message on its key's subject, stored only behind the one its writer knows; its sequence is the revision. */
export function createNatsKeyValueStore(parts: Parts): KeyValueStore {
  const { link, stream, root, messages, publisher, now } = parts;
  const slots = createSlots<KeyState>();
  // A server that comes back after a loss of power may have lost what it acknowledged.
  const stopForgetting = link.onLoss(slots.forget);
  const gate = createGate();
  const history = createHistory(parts, {
    isOver: ({ subject, sequence }) => (slots.peek(keyOf(root, subject))?.state?.sequence ?? 0) > sequence,
    move: (message) => move(message),
  });
  const expiry = createExpiry(parts, (key) => enterSlot(key, (slot) => takeOutExpired(key, slot)));
  let closed = false;

  const enter = (key?: string) => {
    if (closed) throw new ClosedError('the store is closed');
    if (key !== undefined) checkName('key', key);
  };
  const enterSlot = <T>(key: string, work: (slot: Slot<KeyState>) => Promise<T>) =>
    slots.run(key, async (slot) => {
      if (gate.open !== undefined) await gate.open;
      try {
        return await work(slot);
      } catch (error) {
        slot.state = undefined;
        throw error;
      }
    });
  const look = async (key: string, slot: Slot<KeyState>): Promise<KeyState> => {
    slot.state = stateOf(await messages.last(subjectOf(root, key)));
    return slot.state;
  };
  /** Stores a change behind the state the slot knows; undefined when that is another by now. */
  const store = async (key: string, slot: Slot<KeyState>, { kind, data }: Content, expires?: number): Promise<number | undefined> => {
    const fields = expires === undefined ? [kind] : [kind, expires];
    const stored = await publisher.publish({ subject: subjectOf(root, key), after: slot.state?.sequence ?? 0, fields, data });
    slot.state = stored && { ...stored, deleted: kind === 'd', expires: expires ?? Number.POSITIVE_INFINITY };
    if (stored !== undefined) history.grew(stored.sequence);
    return stored?.revision;
  };
  const takeOutExpired = async (key: string, slot: Slot<KeyState>): Promise<void> => {
    const state = slot.state ?? (await look(key, slot));
    if (isExpired(state, now())) await store(key, slot, { kind: 'd', data: EMPTY });
  };
  /** Changes a key, once the expected revision is its own; undefined when there is nothing to delete. */
  const change = (key: string, content: Content, expected: number | undefined, ttlMs?: number): Promise<number | undefined> =>
    enterSlot(key, async (slot) => {
      const isDelete = content.kind === 'd';
      // What others did meanwhile shows when storing fails; a refusal, though, needs what is true now.
      let fresh = slot.state === undefined && (expected !== undefined || isDelete);
      if (fresh) await look(key, slot);
      for (;;) {
        const time = now();
        slot.state ??= NO_KEY;
        const present = revisionOf(slot.state, time);
        if ((expected !== undefined && expected !== present) || (isDelete && present === 0)) {
          if (fresh) {
            refuseStaleKey(key, present, expected);
            return undefined;
          }
        } else if (isExpired(slot.state, time)) {
          if ((await store(key, slot, { kind: 'd', data: EMPTY })) !== undefined) continue;
        } else {
          const expires = ttlMs === undefined ? undefined : time + ttlMs;
          const revision = await store(key, slot, content, expires);
          if (revision !== undefined) {
            if (expires !== undefined) expiry.note(key, expires);
            return revision;
          }
        }
        await look(key, slot);
        fresh = true;
      }
    });
  /** Puts a key's present message at the stream's end as it is, if it is still the present one. */
  const move = ({ subject, sequence, revision, fields, data }: Message): Promise<void> =>
    enterSlot(keyOf(root, subject), async (slot) => {
      if ((slot.state?.sequence ?? 0) > sequence) return;
      const [id, ...rest] = fields;
      const stored = await publisher.publish({ subject, after: sequence, fields: rest, data, revision }, id);
      slot.state = stored && stateOf({ ...stored, fields });
    });
  const toChange = ({ subject, revision, fields, data }: Message): KeyValueChange => {
    const key = keyOf(root, subject);
    return fields[1] === 'd' ? { type: 'delete', key, revision } : { type: 'put', key, value: fromContent(fields[1], data), revision };
  };

  return {
    async get(key) {
      enter(key);
      const message = await messages.last(subjectOf(root, key));
      const state = stateOf(message);
      const slot = slots.peek(key);
      if (slot !== undefined && state.sequence > (slot.state?.sequence ?? 0)) slot.state = state;
      return message === undefined || revisionOf(state, now()) === 0
        ? undefined
        : { key, value: fromContent(message.fields[1], message.data), revision: state.revision, ...timeLeft(state, now()) };
    },
    async put(key, value, { expected, ttlMs } = {}) {
      enter(key);
      if (ttlMs !== undefined) checkTtl(ttlMs);
      return { revision: (await change(key, toContent(value), expected, ttlMs)) ?? 0 };
    },
    async delete(key, { expected } = {}) {
      enter(key);
      return (await change(key, { kind: 'd', data: EMPTY }, expected)) !== undefined;
    },
    async *list(prefix, options) {
      enter();
      for await (const entry of listKeys(parts, prefix, options)) {
        yield entry;
        enter();
      }
    },
    async *watch(prefix, { from, signal } = {}) {
      enter();
      let position = from;
      let pager: Pager | undefined;
      // Stays until the history was asked: a page is read once.
      let page: readonly Message[] = [];
      const next = async () => {
        position ??= await gate.ask(async () => (await infoOf(link, stream)).state.last_seq);
        if (pager === undefined) await history.check(position);
        pager ??= createPager({ link, stream, filter: filterOf(root, prefix), from: position + 1 });
        if (page.length === 0) page = await pager.page(PAGE);
        if (page.length === 0) page = await pager.page(1, { waitMs: WAIT_MS, signal });
        if (page.length > 0) await history.check(position);
        const read = page;
        page = [];
        position = read.at(-1)?.sequence ?? position;
        return read.filter(({ sequence, revision }) => sequence === revision);
      };
      try {
        for await (const message of patiently(next, link, signal)) yield toChange(message);
      } finally {
        pager?.close();
      }
    },
    async close() {
      closed = true;
      expiry.close();
      await slots.idle();
      await history.idle();
      stopForgetting();
    },
  };
}
