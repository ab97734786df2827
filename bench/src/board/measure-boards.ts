import { fork } from 'node:child_process';
import { median } from '../median.ts';
import type { ContenderName } from './contenders.ts';
import type { Figures, MeasureName, Sizes } from './measures.ts';

export interface BoardOptions {
  readonly entries?: number;
  readonly overwrites?: number;
  readonly rounds?: number;
  /** Times that the contenders take turns. */
  readonly turns?: number;
  /** Who takes part. */
  readonly names: readonly ContenderName[];
  readonly only?: readonly MeasureName[];
  /** The module that has Network-AI's backend. */
  readonly networkAi?: string;
}

/** What each contender did, the median of its turns. */
export type BoardFigures = ReadonlyMap<ContenderName, Figures>;

/** Those that take hours over it all: they write as much as takes minutes, and have neither a history of a million writes nor rounds of 200,000 entries. */
const slow: Partial<Record<ContenderName, number>> = { Automerge: 5_000, TinyBase: 100_000 };

const all: readonly MeasureName[] = ['writes', 'heap', 'state', 'round', 'history'];

/** The state of a board beside other libraries that replicate keys and values, on the same work. */
export async function measureBoards({
  entries = 100_000,
  overwrites = 1_000_000,
  rounds = 9,
  turns = 1,
  names,
  only = all,
  networkAi,
}: BoardOptions): Promise<BoardFigures> {
  const taken = new Map<ContenderName, Map<string, number[]>>(names.map((name) => [name, new Map()]));
  for (let turn = 0; turn < turns; turn++) {
    for (const measure of only) {
      for (const name of names) {
        const few = slow[name];
        if ((measure === 'history' || measure === 'round') && few !== undefined) continue;
        const sizes = {
          entries,
          distinct: Math.min(entries, few ?? entries),
          overwrites: Math.min(overwrites, few ?? overwrites),
          rounds: few === undefined ? rounds : 1,
        };
        const figures = await inProcess(name, measure, sizes, networkAi);
        for (const [figure, value] of Object.entries(figures)) {
          const values = taken.get(name)?.get(figure);
          if (values === undefined) taken.get(name)?.set(figure, [value]);
          else values.push(value);
        }
      }
    }
  }
  return new Map([...taken].map(([name, figures]) => [name, Object.fromEntries([...figures].map(([figure, values]) => [figure, median(values)]))]));
}

function inProcess(name: ContenderName, measure: MeasureName, sizes: Sizes, networkAi = ''): Promise<Figures> {
  const child = fork(new URL('./contender-process.ts', import.meta.url), [name, measure, JSON.stringify(sizes)], {
    execArgv: ['--conditions=@meshwork/source', '--expose-gc'],
    env: { ...process.env, NETWORK_AI: networkAi },
  });
  return new Promise((resolve, reject) => {
    child.once('message', (figures) => resolve(figures as Figures));
    child.once('exit', (code) => reject(new Error(`${name} ended with code ${code} while it was measured (${measure})`)));
  });
}
