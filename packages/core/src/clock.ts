/** Port: the wall clock, in milliseconds since the Unix epoch. Injected so that tests can move it. */
export interface Clock {
  now(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = { now: () => Date.now() };
