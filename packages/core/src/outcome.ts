import { MeshworkError } from './errors.ts';
import type { JsonObject } from './json.ts';
import type { CallResult } from './result.ts';

/** How a call ended, in the words of records, metrics and logs. */
export const outcomes = ['ok', 'failed', 'denied', 'limited', 'invalid', 'unknown-name', 'input-required', 'cancelled'] as const;

export type Outcome = (typeof outcomes)[number];

/** A result, or what was thrown, where there is none: `undefined` may have been thrown too. */
export interface Ended {
  readonly result: CallResult | undefined;
  readonly error: unknown;
}

/** The code of a failure, or `undefined` when there was none. */
export function failureCodeOf({ result, error }: Ended): string | undefined {
  if (result === undefined) return MeshworkError.isInstance(error) ? error.code : 'INTERNAL';
  if (result.kind !== 'tool' || !result.isError) return undefined;
  const code = (result.structuredContent as JsonObject | undefined)?.code;
  return typeof code === 'string' ? code : 'TOOL_FAILED';
}

/** Pure: what became of a call whose failure has this code. `isKnown` says whether anything had its name: a tool may say NOT_FOUND of something else. */
export function outcomeOf({ result }: Pick<Ended, 'result'>, code: string | undefined, isKnown: () => boolean): Outcome {
  switch (code) {
    case undefined:
      return result?.kind === 'input-required' ? 'input-required' : 'ok';
    case 'DENIED':
      return 'denied';
    case 'LIMITED':
      return 'limited';
    case 'INVALID_INPUT':
      return 'invalid';
    case 'CANCELLED':
    case 'DEADLINE_EXCEEDED':
      return 'cancelled';
    case 'NOT_FOUND':
      return isKnown() ? 'failed' : 'unknown-name';
    default:
      return 'failed';
  }
}
