import { asBoolean } from './as-type.ts';
import { compileExpression, type ExpressionJson } from './compile-expression.ts';
import { EvaluationError, UnsupportedError } from './evaluation-error.ts';
import type { Expression } from './expression.ts';
import type { Request } from './request.ts';

/** A policy in Cedar's JSON, as `policyToJson` gives it. */
export interface PolicyJson {
  readonly effect: string;
  readonly principal: ScopeJson;
  readonly action: ScopeJson;
  readonly resource: ScopeJson;
  readonly conditions: readonly { readonly kind: string; readonly body: unknown }[];
}

/** What a policy says about whom, what and where it is for. */
interface ScopeJson {
  readonly op: string;
  readonly entity?: unknown;
  readonly entities?: readonly unknown[];
  readonly entity_type?: string;
  readonly in?: { readonly entity?: unknown };
}

export interface CompiledPolicy {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  /** It depends on the action alone, and cannot fail: a policy for other actions need not be asked. */
  isFor(request: Pick<Request, 'action' | 'entities'>): boolean;
  /** Everything but the action. @throws {EvaluationError} */
  holds(request: Request): boolean;
}

/** Turns a policy into closures. @throws {UnsupportedError} for what this evaluator does not know. */
export function compilePolicy(id: string, json: PolicyJson): CompiledPolicy {
  const { effect } = json;
  if (effect !== 'permit' && effect !== 'forbid') throw new UnsupportedError(`a policy's effect is ${JSON.stringify(effect)}`);
  try {
    const action = compileScope('action', json.action);
    const clauses = [compileScope('principal', json.principal), compileScope('resource', json.resource), ...json.conditions.map(compileCondition)].filter(
      (clause) => clause !== undefined,
    );
    return {
      id,
      effect,
      isFor: (request) => action === undefined || asBoolean(action(request as Request)),
      holds: (request) => clauses.every((clause) => asBoolean(clause(request))),
    };
  } catch (error) {
    if (error instanceof EvaluationError) throw new UnsupportedError(`a policy holds a value that is none: ${error.message}`);
    throw error;
  }
}

/** A scope is a condition in other words. Undefined when it says nothing. */
function compileScope(variable: string, scope: ScopeJson): Expression | undefined {
  const left: ExpressionJson = { Var: variable };
  switch (scope.op) {
    case 'All':
      return undefined;
    case '==':
      return compileExpression({ '==': { left, right: entityIn(scope) } });
    case 'in':
      return compileExpression({ in: { left, right: scope.entities ? { Set: scope.entities.map((entity) => entityIn({ entity })) } : entityIn(scope) } });
    case 'is':
      return compileExpression({ is: { left, entity_type: scope.entity_type, ...(scope.in && { in: entityIn(scope.in) }) } });
  }
  throw new UnsupportedError(`a scope has an unknown operator, ${JSON.stringify(scope.op)}`);
}

/** Scopes name entities barely. A template's slot is none. */
function entityIn({ entity }: { readonly entity?: unknown }): ExpressionJson {
  if (typeof entity !== 'object' || entity === null) throw new UnsupportedError('a scope names no entity');
  return { Value: '__entity' in entity ? entity : { __entity: entity } };
}

function compileCondition({ kind, body }: PolicyJson['conditions'][number]): Expression {
  const holds = compileExpression(body as ExpressionJson);
  if (kind === 'when') return holds;
  if (kind === 'unless') return (request) => !asBoolean(holds(request));
  throw new UnsupportedError(`a condition is of an unknown kind, ${JSON.stringify(kind)}`);
}
