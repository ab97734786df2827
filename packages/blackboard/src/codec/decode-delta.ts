import { InvalidInputError } from '@meshwork/core';
import type { Delta } from '../state/board-state.ts';
import { ByteReader } from './byte-reader.ts';
import { deltaFromJson } from './delta-json.ts';
import type { DeltaLimits } from './delta-limits.ts';

/**
 * The delta that `encodeDelta` made bytes of. Its values are frozen, and everything that `merge` takes for granted has been checked.
 * @throws {InvalidInputError} when the bytes are none of ours, or beyond the limits.
 */
export function decodeDelta(bytes: Uint8Array, limits: DeltaLimits = {}): Delta {
  const reader = new ByteReader(bytes);
  if (reader.byte() !== 0) throw new InvalidInputError('a delta is of a version this program does not know; update it');
  const text = reader.text();
  reader.end();
  try {
    return deltaFromJson(JSON.parse(text), limits);
  } catch (error) {
    if (error instanceof SyntaxError) throw new InvalidInputError('a delta cannot be read; ask for it again', { cause: error });
    throw error;
  }
}
