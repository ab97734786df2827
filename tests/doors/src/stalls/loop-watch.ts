/** How long a process was busy with other things than what waits, at the longest; in milliseconds. */
export interface LongestTurn {
  /** Processor time of the main thread between two looks at its queue: what the program itself is to blame for. */
  readonly processorMs: number;
  /** Time that passed between two looks: also while the machine had no time for the program. */
  readonly wallMs: number;
  readonly turns: number;
}

export interface LoopWatch {
  /** The longest since the last time this was asked. */
  take(): LongestTurn;
  stop(): void;
}

/** Looks at the queue of the main thread all the time, about once in a millisecond. */
export function watchLoop(): LoopWatch {
  let longest = { processorMs: 0, wallMs: 0, turns: 0 };
  let before = now();
  const look = () => {
    const here = now();
    longest = {
      processorMs: Math.max(longest.processorMs, here.processorMs - before.processorMs),
      wallMs: Math.max(longest.wallMs, here.wallMs - before.wallMs),
      turns: longest.turns + 1,
    };
    before = now();
    timer = setTimeout(look, 1);
  };
  let timer = setTimeout(look, 1);
  return {
    take() {
      const taken = longest;
      longest = { processorMs: 0, wallMs: 0, turns: 0 };
      return taken;
    },
    stop: () => clearTimeout(timer),
  };
}

function now() {
  const { user, system } = process.threadCpuUsage();
  return { processorMs: (user + system) / 1_000, wallMs: performance.now() };
}
