import { type KeyValueStore, MeshworkError, UnavailableError, UnknownOutcomeError } from '@meshwork/core';
import { type FoundValue, foundIn, type HeldValue, storedOf } from './held-value.ts';
import { orAbort, passing, waitUntil } from './wait-until.ts';

export interface ConditionalPut {
  readonly store: KeyValueStore;
  readonly key: string;
  /** What is to be kept, less what it replaces. Its `write` is nobody else's. */
  readonly value: Omit<HeldValue, 'before'>;
  readonly ttlMs: number | undefined;
  /** Why what is there may not be replaced; `undefined`: it may. */
  readonly refusalOf: (present: FoundValue | undefined) => Error | undefined;
  /** Fails when what was read is not the latest. */
  readonly confirm: (present: FoundValue | undefined) => Promise<unknown>;
  readonly signal: AbortSignal;
}

/** What a key held when something was put whose outcome is not known. */
interface Doubt {
  readonly present: FoundValue | undefined;
}

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 500;

/**
 * Puts a value in the place of the one that is there, by its revision. When the store does not say what became of it, the key tells, see `settle`.
 *
 * @throws {UnavailableError} it was not put. @throws {UnknownOutcomeError} nobody can tell. @throws what `refusalOf` gives: it was not put.
 */
export async function putConditionally(put: ConditionalPut): Promise<void> {
  const { store, key, value, signal } = put;
  let doubt: Doubt | undefined;
  const late = () => (doubt === undefined ? notPut(key) : unknown(key));
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    if (signal.aborted) throw late();
    const look = await lookAt(store, key, { signal, late });
    const settled = look && doubt && settle(value.write, doubt, look.present);
    if (settled === 'put') return;
    if (settled === 'unknown') throw unknown(key);
    if (settled === 'not-put') doubt = undefined;
    // What is in doubt is put again as it was, whatever an old answer of the store says.
    const expected = doubt ?? look;
    if (expected !== undefined && (doubt !== undefined || (await isAccepted(put, expected, late)))) {
      const outcome = await tryToPut(put, expected.present);
      if (outcome === 'put') return;
      if (outcome === 'unknown') doubt = expected;
    }
    await waitUntil(pauseMs, signal);
  }
}

/** False: look again. @throws what speaks against it. */
async function isAccepted({ refusalOf, confirm, signal }: ConditionalPut, { present }: Doubt, late: () => Error): Promise<boolean> {
  const refusal = refusalOf(present);
  if (refusal === undefined) return true;
  const isLatest = confirm(present).then(
    () => true,
    (error: unknown) => {
      if (passing.includes(codeOf(error) ?? '')) return false;
      throw error;
    },
  );
  if (await orAbort(isLatest, signal, late)) throw refusal;
  return false;
}

/** What is there now; `undefined`: the store does not answer now. */
async function lookAt(
  store: KeyValueStore,
  key: string,
  { signal, late }: { readonly signal: AbortSignal; readonly late: () => Error },
): Promise<Doubt | undefined> {
  try {
    const entry = await orAbort(store.get(key), signal, late);
    return { present: entry && foundIn(entry) };
  } catch (error) {
    if (signal.aborted) throw error;
    if (codeOf(error) === 'UNAVAILABLE') return undefined;
    const inDoubt = late();
    throw inDoubt instanceof UnknownOutcomeError ? inDoubt : error;
  }
}

/**
 * What became of a put of which nobody knew, by what is there afterwards. `pending`: nothing yet, and it may still come; the same put is made again then, and as both
 * expect one revision, only one of them can be taken.
 */
function settle(write: string, doubt: Doubt, present: FoundValue | undefined): 'put' | 'not-put' | 'pending' | 'unknown' {
  if (present?.write === write || present?.before === write) return 'put';
  const expected = doubt.present;
  if ((present?.revision ?? 0) <= (expected?.revision ?? 0)) return 'pending';
  // What it was to replace is there under a later revision, or was replaced by another: so this was not put, and never will be.
  return present?.write === expected?.write || present?.before === expected?.write ? 'not-put' : 'unknown';
}

async function tryToPut({ store, key, value, ttlMs, signal }: ConditionalPut, present: FoundValue | undefined): Promise<'put' | 'not-put' | 'unknown'> {
  try {
    const options = { expected: present?.revision ?? 0, ...(ttlMs !== undefined && { ttlMs }) };
    await orAbort(store.put(key, storedOf({ ...value, before: present?.write }), options), signal, () => unknown(key));
    return 'put';
  } catch (error) {
    const code = codeOf(error);
    if (code === 'UNKNOWN_OUTCOME') return 'unknown';
    if (code === 'CONFLICT' || code === 'UNAVAILABLE') return 'not-put';
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return MeshworkError.isInstance(error) ? error.code : undefined;
}

function notPut(key: string): UnavailableError {
  return new UnavailableError(`the store of ${JSON.stringify(key)} did not answer in time, and nothing was written; try again later`);
}

function unknown(key: string): UnknownOutcomeError {
  return new UnknownOutcomeError(`the write of ${JSON.stringify(key)} may have happened, for the store did not say; read before trying again`);
}
