import type { SequentialModel } from './model.ts';

/** What a register holds; `undefined` is nothing. */
export type Scalar = string | number | boolean | null | undefined;

export type RegisterInput =
  | { readonly type: 'read' }
  | { readonly type: 'write'; readonly value: Scalar }
  | { readonly type: 'cas'; readonly expected: Scalar; readonly value: Scalar };

/** A read gives the value, a `cas` whether it replaced, a write `undefined`. */
export type RegisterOutput = Scalar;

/** One register that is read, written, and compared and set. Give every write its own value: equal ones hide violations. */
export function registerModel(initial?: Scalar): SequentialModel<Scalar, RegisterInput, RegisterOutput> {
  return { initial, apply: applyToRegister, stateKey: scalarKey };
}

export function applyToRegister(state: Scalar, input: RegisterInput): { readonly state: Scalar; readonly output: RegisterOutput } {
  if (input.type === 'read') return { state, output: state };
  if (input.type === 'write') return { state: input.value, output: undefined };
  return Object.is(state, input.expected) ? { state: input.value, output: true } : { state, output: false };
}

export function scalarKey(value: Scalar): string {
  return Object.is(value, -0) ? 'number:-0' : `${typeof value}:${value}`;
}
