/** Limits on a JSON value that came from outside. */
export interface JsonLimits {
  /** How many arrays and objects may be inside one another. Default 64. */
  readonly maxDepth?: number;
  /** How many members all objects may have together, where text is parsed. Default 10,000: each costs a hub more than its bytes. */
  readonly maxMembers?: number;
  /** How many values there may be in all arrays and objects together, where text is parsed. Default 100,000: more keep a hub from everything else for too long. */
  readonly maxValues?: number;
  /** How long one string or key may be, where text is parsed: in characters as they are written. Default 262,144. */
  readonly maxStringLength?: number;
}

/**
 * Says what is wrong with a value parsed from JSON, or `undefined` when nothing is: a string or key with a lone surrogate
 * (not valid Unicode, RFC 8259 section 8.2), a key named `__proto__`, or nesting deeper than `maxDepth`.
 */
export function findJsonFault(value: unknown, limits?: JsonLimits): string | undefined {
  return inspectJson(value, limits).fault;
}

/** The same, and how many members the objects in it have together. */
export function inspectJson(value: unknown, { maxDepth = 64 }: JsonLimits = {}): { readonly fault: string | undefined; readonly members: number } {
  const count = { members: 0 };
  const fault = visit(value, maxDepth, count);
  return { fault: fault && `${['$', ...fault.path.reverse()].join('')}${fault.message}`, members: count.members };
}

/** The path is gathered on the way out, innermost first: almost every value has no fault, and paths cost more than looking. */
interface Fault {
  readonly message: string;
  readonly path: string[];
}

const SURROGATE = ' holds a lone surrogate, which is not valid Unicode';

function visit(value: unknown, depthLeft: number, count: { members: number }): Fault | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? undefined : { message: SURROGATE, path: [] };
  if (typeof value !== 'object' || value === null) return undefined;
  if (depthLeft === 0) return { message: ' is nested too deeply', path: [] };
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const fault = visit(value[index], depthLeft - 1, count);
      if (fault !== undefined) return within(fault, `[${index}]`);
    }
    return undefined;
  }
  const keys = Object.keys(value);
  count.members += keys.length;
  for (const key of keys) {
    if (key === '__proto__') return { message: ' has a key named "__proto__"', path: [] };
    if (!key.isWellFormed()) return { message: ' has a key with a lone surrogate, which is not valid Unicode', path: [] };
    const fault = visit((value as Record<string, unknown>)[key], depthLeft - 1, count);
    if (fault !== undefined) return within(fault, `.${key}`);
  }
  return undefined;
}

function within(fault: Fault, step: string): Fault {
  fault.path.push(step);
  return fault;
}
