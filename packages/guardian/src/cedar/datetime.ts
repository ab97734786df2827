import { Duration } from './duration.ts';
import { EvaluationError } from './evaluation-error.ts';
import { add, type Long, modulo, subtract } from './long.ts';

const DATETIME = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(?:\.(\d{3}))?(?:Z|([+-])(\d\d)(\d\d)))?$/;
const DAY_MS = 86_400_000;

/** Cedar's datetime: milliseconds since 1970 began, without leap seconds. */
export class Datetime {
  readonly ms: Long;

  constructor(ms: Long) {
    this.ms = ms;
  }

  /** @throws {EvaluationError} */
  static parse(text: string): Datetime {
    const match = DATETIME.exec(text);
    if (match === null) throw new EvaluationError('not a datetime: YYYY-MM-DD, or that with Thh:mm:ss[.SSS] and Z or an offset of +hhmm');
    const [, year, month, day, hour = 0, minute = 0, second = 0, milli = 0, sign, offsetHour = 0, offsetMinute = 0] = match;
    if (+hour > 23 || +minute > 59 || +second > 59) throw new EvaluationError('not a datetime: there is no such time of day');
    if (+offsetHour > 23 || +offsetMinute > 59) throw new EvaluationError('not a datetime: there is no such offset');
    const date = new Date(0);
    // Not Date.UTC, which takes the years 0 to 99 for those after 1900.
    date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
    if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) throw new EvaluationError('not a datetime: there is no such day');
    const offsetMs = (+offsetHour * 60 + +offsetMinute) * 60_000 * (sign === '-' ? -1 : 1);
    return new Datetime(date.getTime() + ((+hour * 60 + +minute) * 60 + +second) * 1_000 + +milli - offsetMs);
  }

  offset(by: Duration): Datetime {
    return new Datetime(add(this.ms, by.ms));
  }

  durationSince(other: Datetime): Duration {
    return new Duration(subtract(this.ms, other.ms));
  }

  /** The start of the day. */
  toDate(): Datetime {
    return new Datetime(subtract(this.ms, modulo(this.ms, DAY_MS)));
  }

  /** What has passed of the day. */
  toTime(): Duration {
    return new Duration(modulo(this.ms, DAY_MS));
  }

  get key(): string {
    return `datetime ${this.ms}`;
  }
}
