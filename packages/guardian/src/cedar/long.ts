import { EvaluationError } from './evaluation-error.ts';

/**
 * Cedar's 64-bit integer. A number where that is exact, a bigint beyond ±2^53: each value has exactly one form, so `===` and `<` hold
 * between any two of them.
 */
export type Long = number | bigint;

const LEAST = -(2n ** 63n);
const GREATEST = 2n ** 63n - 1n;

/** @throws {EvaluationError} outside 64 bits. */
export function toLong(exact: bigint): Long {
  if (exact < LEAST || exact > GREATEST) throw new EvaluationError('an integer overflows 64 bits');
  const small = Number(exact);
  return Number.isSafeInteger(small) ? small : exact;
}

/** The number that decimal digits spell. Their count is up to whoever wrote them, so zeros in front cost nothing. @throws {EvaluationError} */
export function parseDigits(digits: string): bigint {
  const significant = digits.replace(/^0+(?=\d)/, '');
  if (significant.length > 24) throw new EvaluationError('an integer overflows 64 bits');
  return BigInt(significant);
}

export function isLong(value: unknown): value is Long {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** A safe result of safe numbers is exact: anything that was rounded is at least 2^53. */
export function add(left: Long, right: Long): Long {
  if (typeof left === 'number' && typeof right === 'number') {
    const sum = left + right;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return toLong(BigInt(left) + BigInt(right));
}

export function subtract(left: Long, right: Long): Long {
  if (typeof left === 'number' && typeof right === 'number') {
    const difference = left - right;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return toLong(BigInt(left) - BigInt(right));
}

export function multiply(left: Long, right: Long): Long {
  if (typeof left === 'number' && typeof right === 'number') {
    const product = left * right;
    if (Number.isSafeInteger(product)) return product;
  }
  return toLong(BigInt(left) * BigInt(right));
}

export function negate(value: Long): Long {
  return subtract(0, value);
}

/** Towards zero. `divisor` is positive. */
export function divide(value: Long, divisor: number): Long {
  return typeof value === 'number' ? Math.trunc(value / divisor) : toLong(value / BigInt(divisor));
}

/** From 0 up to `divisor`, whatever the sign of `value`. `divisor` is positive. */
export function modulo(value: Long, divisor: number): number {
  const rest = typeof value === 'number' ? value % divisor : Number(value % BigInt(divisor));
  return rest < 0 ? rest + divisor : rest;
}
