/** Port: what time it is, in milliseconds. Injected so that tests can move it. */
export interface Clock {
  /** The wall clock: milliseconds since the Unix epoch. Somebody may set it. */
  now(): number;
  /**
   * Milliseconds since some moment that stays the same, by a clock nobody can set. It may stand still while the machine sleeps. Absent: the
   * wall clock stands in for it, and nobody sees that one being set.
   */
  monotonic?(): number;
}

const now = () => Date.now();

/** The machine's own clocks. Cloudflare Workers have one only: there `performance` begins in 1970 and is 0 until a request comes. */
export const systemClock: Clock = performance.timeOrigin === 0 ? { now } : { now, monotonic: () => performance.now() };
