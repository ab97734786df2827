import type { SequentialModel } from './model.ts';
import { applyToRegister, type RegisterInput, type RegisterOutput, type Scalar, scalarKey } from './register-model.ts';

/** What is done to one key; a key that is not there reads as `undefined`, and writing `undefined` deletes it. */
export type KeyValueInput = RegisterInput & { readonly key: string };

/** A map from keys to values, each key a register of its own. `initial` is what every key holds at first. */
export function keyValueModel(initial?: Scalar): SequentialModel<Scalar, KeyValueInput, RegisterOutput> {
  return { initial, apply: applyToRegister, stateKey: scalarKey, partitionOf: ({ key }) => key };
}
