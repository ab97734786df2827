import { EvaluationError } from './evaluation-error.ts';
import { type Long, parseDigits, toLong } from './long.ts';

const DECIMAL = /^(-?)(\d+)\.(\d{1,4})$/;

/** Cedar's decimal: four places after the point, kept as a count of ten-thousandths. */
export class Decimal {
  readonly tenThousandths: Long;

  constructor(tenThousandths: Long) {
    this.tenThousandths = tenThousandths;
  }

  /** @throws {EvaluationError} */
  static parse(text: string): Decimal {
    const match = DECIMAL.exec(text);
    if (match === null) throw new EvaluationError('not a decimal: digits, a point, and one to four digits');
    const [, sign = '', whole = '', fraction = ''] = match;
    const magnitude = parseDigits(whole + fraction.padEnd(4, '0'));
    return new Decimal(toLong(sign === '-' ? -magnitude : magnitude));
  }

  get key(): string {
    return `decimal ${this.tenThousandths}`;
  }
}
