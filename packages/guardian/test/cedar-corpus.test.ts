import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { policySetTextToParts, policyToJson, schemaToJsonWithResolvedTypes } from '@cedar-policy/cedar-wasm/nodejs';
import { describe, expect, it } from 'vitest';
import { compilePolicy, type PolicyJson } from '../src/cedar/compile-policy.ts';
import { compileSchema } from '../src/cedar/compile-schema.ts';
import { decide } from '../src/cedar/decide.ts';
import { keepIntegers } from '../src/cedar/exact-integers.ts';
import { type EntityJson, type RequestJson, readRequest } from '../src/cedar/read-request.ts';
import type { SchemaJson } from '../src/cedar/schema-json.ts';
import { readTar } from './read-tar.ts';

/** cedar-policy/cedar-integration-tests, Apache-2.0. Beside the repository, because it is large and not ours. */
const corpus = fileURLToPath(new URL('../../../../shared/corpora/cedar/corpus-tests.tar.gz', import.meta.url));

interface Case {
  readonly policies: string;
  readonly entities: string;
  readonly schema: string;
  readonly requests: readonly (RequestJson & {
    readonly description: string;
    readonly decision: string;
    readonly reason: string[];
    readonly errors: string[];
  })[];
}

describe("Cedar's own corpus", () => {
  it.skipIf(!existsSync(corpus))('agrees in decision, reasons and errors (skipped where ../shared/corpora does not exist)', { timeout: 300_000 }, () => {
    const files = readTar(corpus);
    const wrong: unknown[] = [];
    let sets = 0;
    let requests = 0;
    for (const [name, text] of files) {
      if (!/^corpus-tests\/\w+\.json$/.test(name)) continue;
      const { policies, entities, schema, requests: asked } = parseExactly(text) as Case;
      const evaluate = compile(files.get(policies) ?? '', files.get(schema) ?? '');
      const known = parseExactly(files.get(entities) ?? '') as EntityJson[];
      sets += 1;
      for (const { description, decision, reason, errors, ...request } of asked) {
        requests += 1;
        const verdict = evaluate({ ...request, entities: known });
        const expected = { decision, reasons: reason, errors };
        if (JSON.stringify(verdict) !== JSON.stringify(expected)) wrong.push({ name, description, verdict, expected });
      }
    }
    expect(wrong).toEqual([]);
    expect({ sets, requests }).toEqual({ sets: 7_809, requests: 62_472 });
  });
});

/** Each policy set and schema goes through cedar-wasm once; its sets have one policy each, `policy0`. */
function compile(policies: string, schema: string) {
  const parts = policySetTextToParts(policies);
  if (parts.type === 'failure') throw new Error(parts.errors[0]?.message);
  const compiled = parts.policies.map((policy, index) => {
    const { text, restore } = keepIntegers(policy);
    const answer = policyToJson(text);
    if (answer.type === 'failure') throw new Error(answer.errors[0]?.message);
    return compilePolicy(`policy${index}`, restore(answer.json) as PolicyJson);
  });
  const resolved = schemaToJsonWithResolvedTypes(schema);
  if (resolved.type === 'failure') throw new Error(resolved.errors[0]?.message);
  const checked = compileSchema(resolved.json as SchemaJson);
  return (json: RequestJson) => {
    const request = readRequest(json, checked);
    return decide(
      compiled.filter((policy) => policy.isFor(request)),
      request,
    );
  };
}

/** JSON with integers of 64 bits as bigints. */
function parseExactly(text: string): unknown {
  const revive = (_key: string, value: unknown, { source = '' }: { source?: string } = {}) =>
    typeof value === 'number' && !Number.isSafeInteger(value) ? BigInt(source) : value;
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown);
}
