import { EvaluationError } from './evaluation-error.ts';
import type { Request } from './request.ts';
import type { Value } from './value.ts';

/** An expression, ready to be evaluated. @throws {EvaluationError} */
export interface Expression {
  (request: Request): Value;
  /** The same for every request. */
  readonly isConstant?: true;
}

export function constant(value: Value): Expression {
  return Object.assign(() => value, { isConstant: true } as const);
}

/** What takes only constants is evaluated once, here; if it fails, it fails each time it is asked for, as Cedar would have it. */
export function foldIfConstant(operands: readonly Expression[], expression: Expression): Expression {
  if (!operands.every((operand) => operand.isConstant)) return expression;
  try {
    // Constants do not look at the request.
    return constant(expression({} as Request));
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    return Object.assign(
      () => {
        throw error;
      },
      { isConstant: true } as const,
    );
  }
}
