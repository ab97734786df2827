import { KeyIndex } from '../state/key-index.ts';
import { type Epoch, isMark, markOf } from './epoch.ts';
import type { LogRecord } from './log-record.ts';
import { compareTags, type Register } from './register.ts';

/** What a member has on disk, in memory: only what is on disk is ever told to others. */
export class MemberState {
  id = '';
  place = '';
  /** The process that wrote last. */
  process = '';
  epoch: Epoch | undefined;
  isFormed = false;
  frozen = 0;
  readonly #registers = new Map<string, Register>();
  #index = new KeyIndex(() => this.#registers.keys());

  get size(): number {
    return this.#registers.size;
  }

  read(key: string): Register | undefined {
    return this.#registers.get(key);
  }

  /** Registers in the order of their keys' code units, deleted ones too. */
  *range(prefix: string, after: string | undefined): Generator<Register> {
    for (const key of this.#index.from(prefix, after)) {
      const register = this.#registers.get(key);
      if (register !== undefined) yield register;
    }
  }

  /** Whether to write it down makes a difference. */
  lacks({ key, tag }: Register): boolean {
    return compareTags(tag, this.#registers.get(key)?.tag) > 0;
  }

  /** Idempotent, and the order of registers does not matter. */
  apply(record: LogRecord): void {
    switch (record.kind) {
      case 'identity':
        if (record.id !== this.id) this.#beginAnew();
        this.id = record.id;
        this.place = record.place;
        break;
      case 'start':
        this.process = record.process;
        break;
      case 'epoch':
        this.#enter(record.epoch, record.isFormed);
        break;
      case 'frozen':
        this.frozen = Math.max(this.frozen, record.number);
        break;
      case 'register':
        if (!this.lacks(record.register)) break;
        if (!this.#registers.has(record.register.key)) this.#index.add(record.register.key);
        this.#registers.set(record.register.key, record.register);
    }
  }

  /** Everything, as records that make the same state. */
  *records(): Generator<LogRecord> {
    yield { kind: 'identity', id: this.id, place: this.place };
    yield { kind: 'start', process: this.process };
    if (this.epoch !== undefined) yield { kind: 'epoch', epoch: this.epoch, isFormed: this.isFormed };
    if (this.frozen > 0) yield { kind: 'frozen', number: this.frozen };
    for (const register of this.#registers.values()) yield { kind: 'register', register };
  }

  /** Of one number the first stays: others may be counting on it. */
  #enter(epoch: Epoch, isFormed: boolean): void {
    if (this.epoch !== undefined && epoch.number <= this.epoch.number) {
      if (isMark(markOf(epoch), markOf(this.epoch))) this.isFormed ||= isFormed;
      return;
    }
    this.epoch = epoch;
    this.isFormed = isFormed;
  }

  #beginAnew(): void {
    this.epoch = undefined;
    this.isFormed = false;
    this.frozen = 0;
    this.#registers.clear();
    this.#index = new KeyIndex(() => this.#registers.keys());
  }
}
