import { type CompiledPolicy, compilePolicy, type PolicyJson } from './compile-policy.ts';
import { compileSchema } from './compile-schema.ts';
import { decide, type Verdict } from './decide.ts';
import { UidMap } from './entity-uid.ts';
import { InvalidRequestError } from './invalid-request-error.ts';
import { type RequestJson, readRequest } from './read-request.ts';
import type { SchemaJson } from './schema-json.ts';

/** Evaluates policies; undefined when the request does not fit the schema, and nothing can be decided. */
export type Evaluator = (request: RequestJson) => Verdict | undefined;

/**
 * Policies by id, and their schema, as closures. It runs wherever JavaScript does and needs no WebAssembly: the JSON can be made
 * elsewhere.
 *
 * @throws {UnsupportedError} for what this evaluator does not know.
 */
export function compileEvaluator(policies: Readonly<Record<string, PolicyJson>>, schema: SchemaJson): Evaluator {
  const compiled = Object.entries(policies).map(([id, policy]) => compilePolicy(id, policy));
  const checked = compileSchema(schema);
  /** There are only the schema's actions, so that this cannot grow. */
  const forAction = new UidMap<readonly CompiledPolicy[]>();
  return (json) => {
    try {
      const request = readRequest(json, checked);
      const known = forAction.get(request.action);
      if (known !== undefined) return decide(known, request);
      const those = compiled.filter((policy) => policy.isFor(request));
      forAction.set(request.action, those);
      return decide(those, request);
    } catch (error) {
      if (error instanceof InvalidRequestError) return undefined;
      throw error;
    }
  };
}
