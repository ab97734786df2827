import { setTimeout as pause } from 'node:timers/promises';
import type { HubProcess } from './hub-process.ts';
import type { Ledger } from './ledger.ts';

interface Writer {
  readonly hub: HubProcess;
  /** No two writers have the same one. */
  readonly name: string;
  readonly ledger: Ledger;
  readonly random: () => number;
}

/**
 * Writes through one hub until `signal` aborts, one write after the other, and notes what was acknowledged: numbers that only grow to a key of its own, counts and elements that all
 * writers share, and keys that all writers overwrite.
 */
export async function writeOn({ hub, name, ledger, random }: Writer, signal: AbortSignal): Promise<void> {
  const own = `own/${name}`;
  for (let turn = 1; !signal.aborted; turn++) {
    const dice = random();
    const done = dice < 0.4 ? await sequence(own, turn) : dice < 0.6 ? await count() : dice < 0.8 ? await element(`${name}.${turn}`) : await shared(turn);
    if (done) ledger.acknowledged++;
    else await pause(20 + random() * 100);
  }

  async function sequence(key: string, value: number): Promise<boolean> {
    const noted = ledger.sequences.get(key) ?? { acknowledged: 0, attempted: 0 };
    ledger.sequences.set(key, noted);
    noted.attempted = value;
    const done = await write({ key, value });
    if (done) noted.acknowledged = value;
    return done;
  }

  async function count(): Promise<boolean> {
    const key = `count/${Math.floor(random() * 3)}`;
    const noted = ledger.counts.get(key) ?? { acknowledged: 0, unknown: 0 };
    ledger.counts.set(key, noted);
    const by = 1 + Math.floor(random() * 5);
    const done = await write({ key, op: 'increment', by });
    noted[done ? 'acknowledged' : 'unknown'] += by;
    return done;
  }

  async function element(value: string): Promise<boolean> {
    const key = `set/${Math.floor(random() * 3)}`;
    const noted = ledger.elements.get(key) ?? { acknowledged: new Set(), unknown: new Set() };
    ledger.elements.set(key, noted);
    const done = await write({ key, op: 'add', value });
    noted[done ? 'acknowledged' : 'unknown'].add(value);
    return done;
  }

  function shared(turn: number): Promise<boolean> {
    const key = `shared/${Math.floor(random() * 20)}`;
    return random() < 0.2 ? call('blackboard_delete', { key }) : write({ key, value: { by: name, turn } });
  }

  function write(args: object): Promise<boolean> {
    return call('blackboard_write', args);
  }

  /** False when it is not known to have happened. */
  async function call(tool: string, args: object): Promise<boolean> {
    try {
      const { status, body } = await hub.call(tool, args);
      if (status === 200) return true;
      if (status < 500 && status !== 429 && status !== 409)
        throw new Error(`${hub.name} refuses ${tool} with ${status}: ${JSON.stringify(body)}`, { cause: refused });
    } catch (error) {
      if ((error as Error).cause === refused) throw error;
    }
    ledger.unknown++;
    return false;
  }
}

const refused = Symbol('refused');
