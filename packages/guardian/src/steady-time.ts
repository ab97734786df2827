import type { Clock } from '@meshwork/core';
import { ClockUnsureError } from './clock-unsure-error.ts';

/** What was seen of the wall clock. */
export interface ClockJump {
  readonly direction: 'forward' | 'back';
  /** By how much, in whole milliseconds. */
  readonly byMs: number;
}

/** Whether what expires can be issued. */
export type ClockState =
  | { readonly state: 'sure' }
  /** `retryAfterMs`: when it will be sure again, if nothing more happens. Absent: once the clock is set right, or the hub was restarted. */
  | { readonly state: 'unsure'; readonly reason: string; readonly retryAfterMs?: number };

/**
 * The time a process lives by. `now` is the wall clock's, as long as nobody sets it back: from then on it goes on by the monotonic clock. So
 * whatever was to end ends at the latest after the time it was given has passed, and at once where the wall clock, set forward or waking from
 * a sleep, says that it is over. `wall` is what the wall clock itself says, for times that others have written.
 */
export interface SteadyTime extends Clock {
  wall(): number;
  state(): ClockState;
  /** @throws {ClockUnsureError} when what expires cannot be issued now. */
  requireSure(): void;
}

/** A difference of more than this, in milliseconds, between what the two clocks say has passed is a jump. */
const JUMP_MS = 60_000;
/** How long, in milliseconds, the wall clock has to go steadily after a jump forward before anything is issued. */
const STEADY_MS = 10_000;
/** A difference, in milliseconds, that has it begin anew to wait for the clock to go steadily. */
const RESTLESS_MS = 1_000;
/**
 * What `now` is let down by towards a wall clock that is behind it, for each millisecond that passes. Two clocks of one machine drift apart, and
 * without it the fastest would win for ever; NTP corrects no faster (RFC 5905 section 11.3, 500 parts in a million). A life is longer by as much.
 */
const LET_DOWN = 1 / 2_000;

export function createSteadyTime(clock: Clock, onJump: (jump: ClockJump) => void = () => {}): SteadyTime {
  const { monotonic } = clock;
  if (monotonic === undefined) return { now: () => clock.now(), wall: () => clock.now(), state: () => ({ state: 'sure' }), requireSure() {} };
  const passedBy = () => monotonic.call(clock);
  let passed = passedBy();
  /** Wall minus monotonic: as last seen, and as `now` has it. */
  let seen = clock.now() - passed;
  let offset = seen;
  let steadyFrom = Number.NEGATIVE_INFINITY;

  const look = (): number => {
    const before = passed;
    const wall = clock.now();
    passed = passedBy();
    const shift = wall - passed - seen;
    seen += shift;
    offset = Math.max(seen, offset - Math.max(0, passed - before) * LET_DOWN);
    const isRestless = passed < steadyFrom && Math.abs(shift) > RESTLESS_MS;
    if (shift > JUMP_MS || isRestless) steadyFrom = passed + STEADY_MS;
    if (Math.abs(shift) > JUMP_MS) onJump({ direction: shift > 0 ? 'forward' : 'back', byMs: Math.round(Math.abs(shift)) });
    return Math.max(wall, Math.floor(passed + offset));
  };
  const state = (): ClockState => {
    look();
    const behindMs = offset - seen;
    if (behindMs > JUMP_MS) {
      const reason = `the hub's clock was set back by ${Math.round(behindMs / 1_000)} s while it ran; set it right, or restart the hub once it is`;
      return { state: 'unsure', reason };
    }
    if (passed >= steadyFrom) return { state: 'sure' };
    return { state: 'unsure', reason: 'the clock of the hub has just jumped forward, as after a sleep', retryAfterMs: Math.ceil(steadyFrom - passed) };
  };

  return {
    now: look,
    monotonic: passedBy,
    wall: () => clock.now(),
    state,
    requireSure() {
      const found = state();
      if (found.state === 'sure') return;
      const { reason, retryAfterMs } = found;
      const when = retryAfterMs === undefined ? '' : `; try again in ${Math.ceil(retryAfterMs / 1_000)} s`;
      throw new ClockUnsureError(`nothing that expires is issued now: ${reason}${when}`, retryAfterMs);
    },
  };
}
