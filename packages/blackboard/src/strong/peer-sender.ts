import { UnavailableError } from '@meshwork/core';
import type { PeerLink } from '../peer-link.ts';
import { decodeBatchAnswer, encodeBatch, MAX_BATCH } from './strong-batch.ts';

export interface PeerSendersOptions {
  readonly board: string;
  readonly links: (peer: string) => PeerLink | undefined;
}

interface PeerSenderOptions {
  readonly board: string;
  /** `undefined` while there is no link to the peer. */
  readonly link: () => PeerLink | undefined;
}

interface Waiting {
  readonly message: Uint8Array;
  readonly signal: AbortSignal;
  readonly resolve: (answer: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/** Messages on their way, behind which others wait to go together. */
const UNDER_WAY = 2;
/** Milliseconds that they wait at most: a peer that is silent holds up nobody. */
const LONGEST_WAIT_MS = 10;
const MAX_BYTES = 512 * 1_024;

/** What brings requests to each peer, by its name. */
export function createPeerSenders({ board, links }: PeerSendersOptions): (peer: string) => PeerSender {
  const senders = new Map<string, PeerSender>();
  return (peer) => {
    const sender = senders.get(peer) ?? new PeerSender({ board, link: () => links(peer) });
    senders.set(peer, sender);
    return sender;
  };
}

/** Brings requests to one peer: those that come while others are under way go together in one message. */
class PeerSender {
  readonly #options: PeerSenderOptions;
  #queue: Waiting[] = [];
  #underWay = 0;
  #isPlanned = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: PeerSenderOptions) {
    this.#options = options;
  }

  /** @throws {UnavailableError} when there is no answer, also because `signal` aborted. */
  send(message: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ message, signal, resolve, reject });
      if (this.#isPlanned) return;
      this.#isPlanned = true;
      queueMicrotask(() => {
        this.#isPlanned = false;
        this.#send();
      });
    });
  }

  #send(): void {
    while (this.#queue.length > 0 && this.#underWay < UNDER_WAY) this.#sendBatch();
    if (this.#queue.length > 0)
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        if (this.#queue.length > 0) this.#sendBatch();
        this.#send();
      }, LONGEST_WAIT_MS);
  }

  #sendBatch(): void {
    const batch = this.#takeBatch();
    if (batch.length === 0) return;
    const ending = new AbortController();
    const end = () => {
      if (batch.every(({ signal }) => signal.aborted)) ending.abort();
    };
    for (const { signal } of batch) signal.addEventListener('abort', end);
    this.#underWay += 1;
    this.#bring(batch, ending.signal)
      .then(
        (answers) => {
          for (const [index, { resolve, reject }] of batch.entries()) {
            const answer = answers[index];
            if (answer === undefined || answer.length === 0) reject(new UnavailableError('it failed'));
            else resolve(answer);
          }
        },
        (error: unknown) => {
          for (const { reject } of batch) reject(error);
        },
      )
      .finally(() => {
        for (const { signal } of batch) signal.removeEventListener('abort', end);
        this.#underWay -= 1;
        this.#send();
      });
  }

  async #bring(batch: readonly Waiting[], signal: AbortSignal): Promise<readonly Uint8Array[]> {
    const { board } = this.#options;
    const link = this.#options.link();
    if (link === undefined) throw new UnavailableError('there is no link to it');
    const messages = batch.map(({ message }) => message);
    const [first] = messages;
    if (first !== undefined && messages.length === 1) return [await link.request(first, { signal })];
    return decodeBatchAnswer(await link.request(encodeBatch(board, messages), { signal }));
  }

  /** Those that nobody waits for any more are left out. */
  #takeBatch(): Waiting[] {
    const batch: Waiting[] = [];
    let bytes = 0;
    let taken = 0;
    for (const waiting of this.#queue) {
      const { signal, reject, message } = waiting;
      if (batch.length > 0 && (batch.length === MAX_BATCH || bytes + message.length > MAX_BYTES)) break;
      taken += 1;
      if (signal.aborted) reject(new UnavailableError('nobody waits for it any more'));
      else {
        batch.push(waiting);
        bytes += message.length;
      }
    }
    this.#queue = this.#queue.slice(taken);
    return batch;
  }
}
