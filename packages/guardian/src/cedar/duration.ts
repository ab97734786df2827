import { EvaluationError } from './evaluation-error.ts';
import { divide, type Long, parseDigits, toLong } from './long.ts';

const DURATION = /^(-?)(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;
const UNITS_MS = [86_400_000n, 3_600_000n, 60_000n, 1_000n, 1n] as const;

/** Cedar's duration, in milliseconds. */
export class Duration {
  readonly ms: Long;

  constructor(ms: Long) {
    this.ms = ms;
  }

  /** @throws {EvaluationError} */
  static parse(text: string): Duration {
    const match = DURATION.exec(text);
    if (match === null) throw new EvaluationError('not a duration: amounts of d, h, m, s and ms, in this order');
    const total = UNITS_MS.reduce((sum, unit, index) => sum + parseDigits(match[index + 2] ?? '0') * unit, 0n);
    return new Duration(toLong(match[1] === '-' ? -total : total));
  }

  /** Whole units of `unitMs` milliseconds, towards zero. */
  in(unitMs: number): Long {
    return divide(this.ms, unitMs);
  }

  get key(): string {
    return `duration ${this.ms}`;
  }
}
