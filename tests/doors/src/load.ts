/** How long each thing is away, in milliseconds. */
export const OUTAGE_MS = process.env.MESHWORK_LONG_TESTS === '1' ? 5_000 : 2_000;
/** A call that has not ended after so many milliseconds hangs: far more than any deadline in these tests, for machines are busy. */
const HUNG_MS = 15_000;
/** Between two calls of one caller: the machine is to be busy, and not only with this. */
const PAUSE_MS = 10;

/** Makes one call after another, and says in a word how each ended. */
export interface LoadCaller {
  readonly name: string;
  /** `ok`, or the status or code of the refusal. `id` is told once only. */
  call(id: string): Promise<string>;
}

/** One call that was made. */
export interface Attempt {
  readonly caller: string;
  readonly id: string;
  /** As its caller says; `hung` when it did not end, `threw …` when it ended in no way that a caller is meant to see. */
  readonly outcome: string;
  readonly ms: number;
}

/** Callers that call and call. */
export interface Load {
  /** Forgets what was, and gives what happens until `work` has ended. */
  during(work: () => Promise<unknown>): Promise<readonly Attempt[]>;
  /** Resolves when each caller has had so many calls in a row that went well; rejects with what they get instead after `withinMs`. */
  allWell(withinMs?: number): Promise<void>;
  /** Waits for the last calls, and gives all there were. */
  stop(): Promise<readonly Attempt[]>;
}

const WELL = 3;

export function startLoad(callers: readonly LoadCaller[]): Load {
  const attempts: Attempt[] = [];
  const inARow = new Map<string, number>();
  const last = new Map<string, string>();
  let isOver = false;

  const attempt = async ({ name, call }: LoadCaller, id: string) => {
    const started = performance.now();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const hung = new Promise<string>((resolve) => {
      timer = setTimeout(resolve, HUNG_MS, 'hung');
    });
    const outcome = await Promise.race([call(id).catch((error: Error) => `threw ${error.message} ${String(error.cause ?? '')}`), hung]);
    clearTimeout(timer);
    attempts.push({ caller: name, id, outcome, ms: performance.now() - started });
    inARow.set(name, outcome === 'ok' ? (inARow.get(name) ?? 0) + 1 : 0);
    last.set(name, outcome);
  };
  const loops = callers.map(async (caller) => {
    for (let count = 1; !isOver; count += 1) {
      await attempt(caller, `${caller.name}-${count}`);
      await pause(PAUSE_MS);
    }
  });

  return {
    async during(work) {
      const from = attempts.length;
      await work();
      return attempts.slice(from);
    },
    async allWell(withinMs = 20_000) {
      inARow.clear();
      for (const until = performance.now() + withinMs; ; ) {
        if (callers.every(({ name }) => (inARow.get(name) ?? 0) >= WELL)) return;
        if (performance.now() > until) throw new Error(`not all is well: ${JSON.stringify(Object.fromEntries(last))}`);
        await pause(20);
      }
    },
    async stop() {
      isOver = true;
      await Promise.all(loops);
      return attempts;
    },
  };
}

/** How often each ending was seen. */
export function countOutcomes(attempts: readonly Attempt[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { outcome } of attempts) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

/** The longest of the calls, in milliseconds. */
export function slowest(attempts: readonly Attempt[]): number {
  return attempts.reduce((most, { ms }) => Math.max(most, ms), 0);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
