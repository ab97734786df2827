import { ClosedError, ConflictError, type IdSource, type Journal, UnavailableError } from '@meshwork/core';
import { decodeRecord, encodeRecord, type LogRecord } from './log-record.ts';
import { MemberState } from './member-state.ts';

export interface MemberLogOptions {
  readonly journal: Journal;
  readonly stream: string;
  /** Where the storage is: another place than the log was begun at is a copy, and a member of its own. */
  readonly place: string;
  readonly ids: IdSource;
}

interface Waiting {
  readonly records: readonly LogRecord[];
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** Records of one append, about. */
const BATCH = 500;
/** Records that are not worth being compacted. */
const SMALL = 1_024;

/**
 * A member's state on a stream of its own. Records that come while others are written go into the next append together. Every append names the end it
 * expects, so that of two processes on one stream only the later one writes.
 */
export class MemberLog {
  readonly state = new MemberState();
  readonly #options: MemberLogOptions;
  readonly #process: string;
  readonly #queue: Waiting[] = [];
  #head = 0;
  /** Records on disk, about. */
  #kept = 0;
  #compactAt = SMALL;
  /** Whether the end of the stream may be another than is known. */
  #isDoubtful = true;
  #isOpening = true;
  #isClosed = false;
  #writing: Promise<void> | undefined;

  private constructor(options: MemberLogOptions) {
    this.#options = options;
    this.#process = options.ids('process');
  }

  /** @throws {UnavailableError} when the store fails, {@link InvalidInputError} when the stream is of something else or of a newer version. */
  static async open(options: MemberLogOptions): Promise<MemberLog> {
    const log = new MemberLog(options);
    await log.#catchUp();
    const { id, place } = log.state;
    const isNew = id === '' || place !== options.place;
    const identity: LogRecord[] = isNew ? [{ kind: 'identity', id: options.ids('member'), place: options.place }] : [];
    await log.append([...identity, { kind: 'start', process: log.#process }]);
    log.#isOpening = false;
    return log;
  }

  /** Resolves when the records are on disk and in `state`. A failure may have written them all the same. */
  append(records: readonly LogRecord[]): Promise<void> {
    if (this.#isClosed) return Promise.reject(new ClosedError('the board is closed'));
    return new Promise((done, failed) => {
      this.#queue.push({ records, done, failed });
      this.#writing ??= this.#write();
    });
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
  }

  async #write(): Promise<void> {
    // Whoever began this has to be able to note it first.
    await undefined;
    while (this.#queue.length > 0) {
      const batch = this.#takeBatch();
      try {
        await this.#put(batch.flatMap(({ records }) => records));
        for (const { done } of batch) done();
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
      if (this.#kept >= this.#compactAt) await this.#compact();
    }
    // In the same turn as the look at the queue: what comes from now on begins anew.
    this.#writing = undefined;
  }

  #takeBatch(): Waiting[] {
    let count = 0;
    const size = this.#queue.findIndex(({ records }) => {
      count += records.length;
      return count > BATCH;
    });
    return this.#queue.splice(0, size === -1 ? this.#queue.length : Math.max(1, size));
  }

  async #put(records: readonly LogRecord[]): Promise<void> {
    const { journal, stream } = this.#options;
    const values = records.map(encodeRecord);
    for (;;) {
      if (this.#isDoubtful) await this.#catchUp();
      if (this.state.process !== this.#process && !this.#isOpening)
        throw new UnavailableError(`another process writes to ${JSON.stringify(stream)}; run one hub of a name, and end this one`);
      try {
        const offsets = await journal.append(stream, values, { expected: this.#head });
        this.#head = offsets.at(-1) ?? this.#head;
        break;
      } catch (error) {
        this.#isDoubtful = true;
        if (!(error instanceof ConflictError)) throw error;
      }
    }
    this.#kept += records.length;
    for (const record of records) this.state.apply(record);
  }

  /** Reads what is on disk and not known: of an append whose outcome is not, or of another process. */
  async #catchUp(): Promise<void> {
    const { journal, stream } = this.#options;
    for await (const { offset, value } of journal.read(stream, { from: this.#head + 1 })) {
      const record = decodeRecord(value);
      this.state.apply(record);
      this.#head = offset;
      this.#kept += 1;
    }
    if (this.#head === 0) this.#head = await journal.head(stream);
    this.#isDoubtful = false;
  }

  /** Writes everything again behind the rest, and drops the rest. Costs what there is, and happens when as much has been written as there is. */
  async #compact(): Promise<void> {
    const { journal, stream } = this.#options;
    const first = this.#head + 1;
    const before = this.#kept;
    try {
      let page: LogRecord[] = [];
      for (const record of [...this.state.records()]) {
        page.push(record);
        if (page.length < BATCH) continue;
        await this.#put(page);
        page = [];
      }
      if (page.length > 0) await this.#put(page);
      await journal.trim(stream, first);
      this.#kept -= before;
    } catch {
      // What was written again is there twice, which harms nobody; it is tried again when as much has come once more.
      this.#isDoubtful = true;
    }
    this.#compactAt = Math.max(SMALL, this.#kept * 2);
  }
}
