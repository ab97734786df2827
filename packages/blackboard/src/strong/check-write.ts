import { InvalidInputError } from '@meshwork/core';
import { ownJson } from '../state/own-json.ts';
import { LEVEL_OF } from './level-key.ts';
import type { RegisterLimits } from './register.ts';
import type { StrongWrite } from './strong-store.ts';

const MAX_WRITER_LENGTH = 1_024;

/** The JSON text to keep of a write. @throws {InvalidInputError} when it cannot be kept. */
export function checkWrite({ key, value, writer, time }: StrongWrite, limits: RegisterLimits): string | undefined {
  checkKey(key, limits);
  if (!writer.isWellFormed() || writer.length > MAX_WRITER_LENGTH)
    throw new InvalidInputError(`the writer of ${JSON.stringify(key)} is longer than ${MAX_WRITER_LENGTH} characters, or holds half a surrogate pair`);
  if (!Number.isSafeInteger(time) || time < 0) throw new InvalidInputError(`a time is a whole number from 0 to 2^53 - 1, not ${time}`);
  return value === undefined ? undefined : JSON.stringify(ownJson(value, limits));
}

/** @throws {InvalidInputError} when no key can be so. */
export function checkKey(key: string, { maxKeyLength }: Pick<RegisterLimits, 'maxKeyLength'>): void {
  if (key === '') throw new InvalidInputError('a key must not be empty');
  // What says a key's level has room for the longest of keys.
  const length = key.startsWith(LEVEL_OF) ? key.length - LEVEL_OF.length : key.length;
  if (length > maxKeyLength) throw new InvalidInputError(`a key of ${length} characters is longer than ${maxKeyLength}; choose a shorter one`);
  checkPrefix(key);
}

/** @throws {InvalidInputError} when no key can begin so. */
export function checkPrefix(prefix: string): void {
  if (!prefix.isWellFormed()) throw new InvalidInputError('a key holds half a surrogate pair, which UTF-8 cannot carry; repair the text first');
}
