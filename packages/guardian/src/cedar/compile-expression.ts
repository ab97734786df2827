import { asBoolean, asString } from './as-type.ts';
import { getAttribute, hasAttribute, hasPath, isWithin } from './attributes.ts';
import { UnsupportedError } from './evaluation-error.ts';
import { constant, type Expression, foldIfConstant } from './expression.ts';
import { extensionFunctions } from './extension-functions.ts';
import { compileGlob, type PatternPart } from './glob.ts';
import { binaryOperators, entityOperators, isOfType, unaryOperators } from './operators.ts';
import { readValue } from './read-value.ts';
import { CedarRecord, CedarSet } from './value.ts';

/** An expression in Cedar's JSON: an object with one key, which is its kind. */
export type ExpressionJson = Readonly<Record<string, unknown>>;

/** The fields of expressions; each kind has some of them. */
interface Fields {
  readonly left: ExpressionJson;
  readonly right: ExpressionJson;
  readonly arg: ExpressionJson;
  readonly if: ExpressionJson;
  readonly then: ExpressionJson;
  readonly else: ExpressionJson;
  readonly attr: string | readonly string[];
  readonly pattern: readonly PatternPart[];
  readonly entity_type: string;
  readonly in?: ExpressionJson;
}

type Compile = (json: ExpressionJson) => Expression;

/** Deeper than any text the parser takes. Evaluation recurses, and must not be what finds the end of the stack. */
const MAX_DEPTH = 1_000;

/** @throws {UnsupportedError} for a kind of expression that is not known here. */
export function compileExpression(json: ExpressionJson, depth = 0): Expression {
  if (depth > MAX_DEPTH) throw new UnsupportedError(`an expression is nested more than ${MAX_DEPTH} levels deep`);
  const [[kind, body] = ['', undefined], ...others] = Object.entries(json);
  if (others.length > 0) throw new UnsupportedError(`an expression is of ${others.length + 1} kinds`);
  const compile: Compile = (inner) => compileExpression(inner, depth + 1);
  switch (kind) {
    case 'Value':
      return constant(readValue(body));
    case 'Var':
      return compileVariable(body);
    case 'Set':
      return compileSet((body as readonly ExpressionJson[]).map(compile));
    case 'Record':
      return compileRecord(Object.entries(body as Readonly<Record<string, ExpressionJson>>).map(([name, inner]) => [name, compile(inner)]));
  }
  if (Array.isArray(body)) return compileCall(kind, body.map(compile));
  return compileOperator(kind, body as Fields, compile);
}

function compileOperator(kind: string, fields: Fields, compile: Compile): Expression {
  switch (kind) {
    case '&&':
      return compileBoth(compile(fields.left), compile(fields.right));
    case '||':
      return compileEither(compile(fields.left), compile(fields.right));
    case 'if-then-else':
      return compileChoice(compile(fields.if), compile(fields.then), compile(fields.else));
    case '.':
      return compileAccess(compile(fields.left), fields.attr);
    case 'has':
      return compileHas(compile(fields.left), fields.attr);
    case 'like':
      return compileLike(compile(fields.left), fields.pattern);
    case 'is':
      return compileIs(compile(fields.left), fields.entity_type, fields.in && compile(fields.in));
  }
  const onOne = unaryOperators.get(kind);
  if (onOne !== undefined) {
    const arg = compile(fields.arg);
    return foldIfConstant([arg], (request) => onOne(arg(request)));
  }
  const onTwo = binaryOperators.get(kind);
  const onEntities = entityOperators.get(kind);
  if (onTwo === undefined && onEntities === undefined) throw new UnsupportedError(`an expression is of an unknown kind, ${JSON.stringify(kind)}`);
  const left = compile(fields.left);
  const right = compile(fields.right);
  if (onEntities !== undefined) return (request) => onEntities(left(request), right(request), request);
  return foldIfConstant([left, right], (request) => onTwo?.(left(request), right(request)) ?? false);
}

function compileCall(name: string, args: readonly Expression[]): Expression {
  const apply = extensionFunctions.get(name);
  if (apply === undefined) throw new UnsupportedError(`there is no function ${JSON.stringify(name)}`);
  return foldIfConstant(args, (request) => apply(args.map((arg) => arg(request))));
}

function compileVariable(name: unknown): Expression {
  switch (name) {
    case 'principal':
      return (request) => request.principal;
    case 'action':
      return (request) => request.action;
    case 'resource':
      return (request) => request.resource;
    case 'context':
      return (request) => request.context;
  }
  throw new UnsupportedError(`there is no variable ${String(name)}`);
}

function compileSet(items: readonly Expression[]): Expression {
  return foldIfConstant(items, (request) => new CedarSet(items.map((item) => item(request))));
}

function compileRecord(fields: readonly (readonly [string, Expression])[]): Expression {
  const values = fields.map(([, value]) => value);
  return foldIfConstant(values, (request) => new CedarRecord(new Map(fields.map(([name, value]) => [name, value(request)]))));
}

function compileBoth(left: Expression, right: Expression): Expression {
  return (request) => asBoolean(left(request)) && asBoolean(right(request));
}

function compileEither(left: Expression, right: Expression): Expression {
  return (request) => asBoolean(left(request)) || asBoolean(right(request));
}

function compileChoice(condition: Expression, yes: Expression, no: Expression): Expression {
  return (request) => (asBoolean(condition(request)) ? yes(request) : no(request));
}

function compileAccess(left: Expression, attribute: string | readonly string[]): Expression {
  if (typeof attribute !== 'string') throw new UnsupportedError('an attribute has no name');
  return (request) => getAttribute(left(request), attribute, request);
}

function compileHas(left: Expression, attribute: string | readonly string[]): Expression {
  if (typeof attribute === 'string') return (request) => hasAttribute(left(request), attribute, request);
  if (!Array.isArray(attribute)) throw new UnsupportedError('an attribute has no name');
  return (request) => hasPath(left(request), attribute, request);
}

function compileLike(left: Expression, pattern: readonly PatternPart[]): Expression {
  const matches = compileGlob(pattern);
  return (request) => matches(asString(left(request)));
}

function compileIs(left: Expression, type: string, within: Expression | undefined): Expression {
  if (within === undefined) return (request) => isOfType(left(request), type);
  return (request) => {
    const value = left(request);
    return isOfType(value, type) && isWithin(value, within(request), request);
  };
}
