import { type KeyValueInput, keyValueModel, type Operation, type RegisterOutput } from '@meshwork/testing/linearizability';

export interface RandomHistory {
  readonly operations: number;
  readonly keys: number;
  readonly clients: number;
  /** Of those whose outcome gets lost. */
  readonly share?: number;
  /** Gives numbers from 0 to 1. */
  readonly random: () => number;
}

type Recorded = Operation<KeyValueInput, RegisterOutput>;

/**
 * A linearizable history: each operation takes effect at a moment of its own, in the order of the moments, and its call and return are stretched around that
 * moment as far as its client's neighbours let them.
 */
export function randomHistory({ operations, keys, clients, share = 0, random }: RandomHistory): readonly Recorded[] {
  const model = keyValueModel();
  const states = new Map<string, RegisterOutput>();
  const pick = (count: number) => Math.floor(random() * count);
  const history: Recorded[] = [];
  const lastReturn = new Map<number, number>();
  for (let index = 0; index < operations; index++) {
    // Clients take turns, so that each has room for `clients` moments.
    const client = index % clients;
    const moment = (index + 1) * 10;
    const key = `key/${pick(keys)}`;
    const state = states.get(key);
    const input: KeyValueInput = [
      { type: 'read', key } as const,
      { type: 'write', key, value: index } as const,
      { type: 'cas', key, expected: random() < 0.5 ? state : -1, value: index } as const,
    ][pick(3)]!;
    const called = Math.max((lastReturn.get(client) ?? 0) + 0.01, moment - random() * clients * 9);
    const next = model.apply(state, input);
    if (random() < share) {
      if (random() < 0.5) states.set(key, next.state);
      history.push({ client: `${client}/${index}`, input, called });
      continue;
    }
    states.set(key, next.state);
    const returned = moment + random() * clients * 4;
    lastReturn.set(client, returned);
    history.push({ client: `${client}`, input, output: next.output, called, returned });
  }
  return history;
}
