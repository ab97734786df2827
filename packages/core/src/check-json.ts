/** Limits on a JSON value that came from outside. */
export interface JsonLimits {
  /** How many arrays and objects may be inside one another. Default 64. */
  readonly maxDepth?: number;
}

/**
 * Says what is wrong with a value parsed from JSON, or `undefined` when nothing is: a string or key with a lone surrogate
 * (not valid Unicode, RFC 8259 section 8.2), a key named `__proto__`, or nesting deeper than `maxDepth`.
 */
export function findJsonFault(value: unknown, { maxDepth = 64 }: JsonLimits = {}): string | undefined {
  return visit(value, '$', maxDepth);
}

function visit(value: unknown, path: string, depthLeft: number): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? undefined : `${path} holds a lone surrogate, which is not valid Unicode`;
  if (typeof value !== 'object' || value === null) return undefined;
  if (depthLeft === 0) return 'the value is nested too deeply';
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const fault = visit(value[index], `${path}[${index}]`, depthLeft - 1);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
  for (const key of Object.keys(value)) {
    if (key === '__proto__') return `${path} has a key named "__proto__"`;
    if (!key.isWellFormed()) return `${path} has a key with a lone surrogate, which is not valid Unicode`;
    const fault = visit((value as Record<string, unknown>)[key], `${path}.${key}`, depthLeft - 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
