import { NotDurableError } from './errors.ts';

/**
 * What acknowledged writes survive, as a driver states it of itself:
 *
 * - `durable`: the death of the process, of the engine and of the machine, for what the driver can tell of its settings.
 * - `may-lose-acknowledged`: mostly the same, but a crash, a power cut or a failover of the engine can take the last of them back.
 * - `process`: nothing; they are gone with this process.
 */
export type Durability = 'durable' | 'may-lose-acknowledged' | 'process';

/** Whatever keeps state, and says what that is worth. */
export interface Enduring {
  /** Undefined: the driver does not say, which counts as not durable. */
  readonly durability?: Durability;
}

/**
 * For modules whose promises break when an acknowledged write is lost: refuses a store that can lose one. `what` is who needs it, as in
 * "the budget's ledger".
 *
 * @throws {NotDurableError}
 */
export function requireDurable(store: Enduring, what: string): void {
  if (store.durability === 'durable') return;
  throw new NotDurableError(`${what} needs a store that keeps what it acknowledged, and this one ${faults[store.durability ?? 'unsaid']}; ${REMEDY}`, {
    details: { durability: store.durability ?? null },
  });
}

const faults = {
  'may-lose-acknowledged': 'can lose acknowledged writes when its engine crashes or fails over',
  process: 'forgets everything when the process ends',
  unsaid: 'does not say what it keeps (durability)',
} as const;

const REMEDY = 'choose SQLite with synchronous "full", PostgreSQL or NATS JetStream for it';
