import { type Call, type Catalogue, type Ended, failureCodeOf, type Outcome, outcomeOf } from '@meshwork/core';

/** What became of a finished call, and the code of its failure if it was one. */
export function endOf(call: Pick<Call, 'kind' | 'name'>, ended: Ended, catalogue: Catalogue): { readonly code: string | undefined; readonly outcome: Outcome } {
  const code = failureCodeOf(ended);
  return { code, outcome: outcomeOf(ended, code, () => catalogue.find(call.kind, call.name) !== undefined) };
}
