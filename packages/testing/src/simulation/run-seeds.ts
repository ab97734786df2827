import { env } from 'node:process';

export interface RunSeedsOptions {
  /** How many seeds are tried, when `MESHWORK_SEEDS` does not say another number. */
  readonly seeds: number;
  /** The first. Default 1. */
  readonly from?: number;
  /** One run. It gives both to `createSimulation`, and fails when something is wrong. */
  readonly run: (options: { readonly seed: number; readonly maxFaults: number }) => Promise<void>;
}

/**
 * Tries one seed after the other, and fails with the first that fails: how few of its faults are enough, and the environment that repeats it. `MESHWORK_SEED` tries that
 * one alone, `MESHWORK_FAULTS` with no more than so many faults; `MESHWORK_SEEDS` is how many are tried.
 *
 * @throws {TypeError} when one of these is no whole number.
 */
export async function runSeeds({ seeds, from = 1, run }: RunSeedsOptions): Promise<void> {
  const only = wholeNumber('MESHWORK_SEED');
  const maxFaults = wholeNumber('MESHWORK_FAULTS') ?? Number.POSITIVE_INFINITY;
  const first = only ?? from;
  const count = only === undefined ? (wholeNumber('MESHWORK_SEEDS') ?? seeds) : 1;
  for (let seed = first; seed < first + count; seed++) {
    const failure = await failureOf(() => run({ seed, maxFaults }));
    if (failure === undefined) continue;
    const fewest = await findFewest(seed, maxFaults, failure.error, run);
    const limit = Number.isFinite(fewest.faults) ? `MESHWORK_FAULTS=${fewest.faults} ` : '';
    throw new Error(`seed ${seed} fails; to repeat it: MESHWORK_SEED=${seed} ${limit}vitest run, with this test\n${String(fewest.error)}`, {
      cause: fewest.error,
    });
  }
}

/** Twice as many each time: a run is cheap, and the first that fails has at most twice the faults it needs. */
async function findFewest(
  seed: number,
  limit: number,
  error: unknown,
  run: RunSeedsOptions['run'],
): Promise<{ readonly faults: number; readonly error: unknown }> {
  for (let faults = 0; faults < Math.min(limit, 64); faults = Math.max(1, faults * 2)) {
    const failure = await failureOf(() => run({ seed, maxFaults: faults }));
    if (failure !== undefined) return { faults, error: failure.error };
  }
  return { faults: limit, error };
}

async function failureOf(work: () => Promise<void>): Promise<{ readonly error: unknown } | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return { error };
  }
}

function wholeNumber(name: string): number | undefined {
  const text = env[name];
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`${name} is ${JSON.stringify(text)}; give a whole number`);
  return value;
}
