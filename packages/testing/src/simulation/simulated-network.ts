import { UnavailableError } from '@meshwork/core';
import type { Agenda } from './agenda.ts';
import type { Chronicle } from './chronicle.ts';
import { type Life, livingAs, promiseTo } from './life.ts';
import { hashBytes, type Random } from './random.ts';

/** What the network does to each message. Delays are drawn evenly, so that messages overtake one another. */
export interface NetworkConditions {
  /** Shortest and longest delay, in milliseconds. */
  readonly delayMs: readonly [number, number];
  /** Probability that a message is lost. */
  readonly loss: number;
  /** Probability that a message comes twice. */
  readonly duplication: number;
}

/** The network between all nodes, and what can be wrong with it. */
export interface SimulatedNetwork {
  /** Changes the conditions from now on. */
  set(conditions: Partial<NetworkConditions>): void;
  /** Only nodes in one group reach each other; a node that is in none reaches nobody. Replaces earlier partitions and cuts. */
  partition(...groups: readonly (readonly string[])[]): void;
  /** Nothing of `from` reaches `to`; the way back stays open. */
  cut(from: string, to: string): void;
  /** Ends partitions and cuts, and brings back the conditions of the beginning. */
  heal(): void;
}

/** A way to one other node. */
export interface SimulatedLink {
  readonly peer: string;
  /** Asks and gets an answer. @throws {UnavailableError} when none came within `requestTimeoutMs` or the peer failed; the reason of `signal` when it aborts. */
  request(message: Uint8Array, options: { readonly signal: AbortSignal }): Promise<Uint8Array>;
  /** Tells without an answer; best effort. */
  send(message: Uint8Array): void;
}

/** What a node does with what comes to it. A message may come twice, late, or after ones that were sent later. */
export interface MessageHandler {
  answer?(from: { readonly name: string }, message: Uint8Array): Promise<Uint8Array>;
  hear?(from: { readonly name: string }, message: Uint8Array): void;
}

/** A node's own end of the network. */
export interface NetworkEnd {
  link(peer: string): SimulatedLink;
  /** Replaces the handler; until there is one, what comes is lost. */
  listen(handler: MessageHandler): void;
}

export interface OwnedNetwork extends SimulatedNetwork {
  join(life: Life): NetworkEnd;
}

interface NetworkOptions {
  readonly agenda: Agenda;
  readonly chronicle: Chronicle;
  readonly random: Random;
  readonly conditions: NetworkConditions;
  readonly requestTimeoutMs: number;
}

export function createSimulatedNetwork({ agenda, chronicle, random, conditions: initial, requestTimeoutMs }: NetworkOptions): OwnedNetwork {
  const ends = new Map<string, { readonly life: Life; handler: MessageHandler }>();
  const cuts = new Set<string>();
  const newest = new Map<string, number>();
  let conditions = initial;
  let groups: readonly (readonly string[])[] | undefined;
  let messages = 0;
  const isCut = (from: string, to: string) =>
    cuts.has(JSON.stringify([from, to])) || (groups !== undefined && !groups.some((group) => group.includes(from) && group.includes(to)));

  const deliver = (from: string, to: string, message: number, act: (end: { readonly life: Life; handler: MessageHandler }) => void) => {
    const end = ends.get(to);
    if (isCut(from, to)) return chronicle.count('cut', to, `#${message} from ${from}`);
    if (end === undefined || end.life.isOver()) return chronicle.count('addressee-down', to, `#${message} from ${from}`);
    const way = JSON.stringify([from, to]);
    const before = newest.get(way) ?? 0;
    if (message < before) chronicle.count('reordered', to, `#${message} behind #${before}`);
    newest.set(way, Math.max(before, message));
    chronicle.count('delivered', to, `#${message} from ${from}`);
    livingAs.run(end.life, act, end);
  };
  const transmit = (from: string, to: string, bytes: Uint8Array, act: (end: { readonly life: Life; handler: MessageHandler }) => void) => {
    messages += 1;
    const message = messages;
    chronicle.count('sent', from, `#${message} to ${to}, ${bytes.length} bytes, ${hashBytes(bytes).toString(16)}`);
    if (isCut(from, to)) return chronicle.count('cut', from, `#${message} to ${to}`);
    if (random.chance(conditions.loss)) return chronicle.count('dropped', from, `#${message} to ${to}`);
    const copies = random.chance(conditions.duplication) ? 2 : 1;
    if (copies === 2) chronicle.count('duplicated', from, `#${message} to ${to}`);
    for (let copy = 0; copy < copies; copy++) agenda.put(agenda.now() + random.between(...conditions.delayMs), () => deliver(from, to, message, act));
  };

  const request = (life: Life, peer: string, message: Uint8Array, signal: AbortSignal): Promise<Uint8Array> =>
    promiseTo(life, (resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const bytes = message.slice();
      const end = () => {
        timeout.cancel();
        signal.removeEventListener('abort', abort);
      };
      const abort = () => {
        end();
        reject(signal.reason);
      };
      const fail = (why: string) => {
        end();
        reject(new UnavailableError(`${JSON.stringify(peer)} ${why}; try again later`));
      };
      const timeout = agenda.put(agenda.now() + requestTimeoutMs, () => fail('did not answer in time'));
      signal.addEventListener('abort', abort);
      transmit(life.node, peer, bytes, async (target) => {
        const back = (answer: Uint8Array, act: () => void) => {
          if (!target.life.isOver())
            transmit(peer, life.node, answer, () => {
              if (!life.isOver()) act();
            });
        };
        try {
          if (target.handler.answer === undefined) return;
          const answer = (await target.handler.answer({ name: life.node }, bytes.slice())).slice();
          back(answer, () => {
            end();
            resolve(answer.slice());
          });
        } catch (error) {
          back(new Uint8Array(), () => fail(`failed: ${String(error)}`));
        }
      });
    });

  return {
    set(changed) {
      conditions = { ...conditions, ...changed };
    },
    partition(...next) {
      cuts.clear();
      groups = next;
      chronicle.note('network', `partition ${next.map((group) => group.join('+')).join(' | ')}`);
    },
    cut(from, to) {
      cuts.add(JSON.stringify([from, to]));
      chronicle.note('network', `cut ${from} -> ${to}`);
    },
    heal() {
      cuts.clear();
      groups = undefined;
      conditions = initial;
      chronicle.note('network', 'heal');
    },
    join(life) {
      const end = { life, handler: {} as MessageHandler };
      ends.set(life.node, end);
      return {
        link: (peer) => ({
          peer,
          request: (message, { signal }) => request(life, peer, message, signal),
          send(message) {
            if (life.isOver()) return;
            const bytes = message.slice();
            transmit(life.node, peer, bytes, ({ handler }) => handler.hear?.({ name: life.node }, bytes.slice()));
          },
        }),
        listen(handler) {
          end.handler = handler;
        },
      };
    },
  };
}
