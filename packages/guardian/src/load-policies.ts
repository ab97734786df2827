import { policySetTextToParts, policyToJson, validate } from '@cedar-policy/cedar-wasm/nodejs';
import { PolicyError } from './policy-error.ts';

/** Policies ready for Cedar, and the words for whoever they refuse. */
export interface LoadedPolicies {
  readonly staticPolicies: Readonly<Record<string, string>>;
  readonly reasons: ReadonlyMap<string, string>;
}

const MAX_BYTES = 65_536;
const MAX_NESTING = 64;

/** Reads policies and checks them against the schema. @throws {PolicyError} */
export function loadPolicies(text: string, schema: string): LoadedPolicies {
  refuseBombs(text);
  try {
    return load(text, schema);
  } catch (cause) {
    if (cause instanceof PolicyError) throw cause;
    // The engine itself gives up on some hostile texts by throwing.
    throw new PolicyError(`the policies cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function load(text: string, schema: string): LoadedPolicies {
  const parts = policySetTextToParts(text);
  if (parts.type === 'failure') throw new PolicyError(`the policies cannot be parsed: ${parts.errors.map(({ message }) => message).join('; ')}`);
  const staticPolicies: Record<string, string> = {};
  const reasons = new Map<string, string>();
  for (const [index, policy] of parts.policies.entries()) {
    const json = policyToJson(policy);
    if (json.type === 'failure') throw new PolicyError(`policy ${index + 1} cannot be read: ${json.errors.map(({ message }) => message).join('; ')}`);
    const { id, reason } = (json.json.annotations ?? {}) as { id?: string | null; reason?: string | null };
    if (!id) throw new PolicyError(`policy ${index + 1} has no @id; every policy needs one, because every answer names the policies that decided`);
    if (Object.hasOwn(staticPolicies, id)) throw new PolicyError(`two policies have the @id ${JSON.stringify(id)}`);
    staticPolicies[id] = policy;
    if (reason) reasons.set(id, reason);
  }
  const answer = validate({ schema, policies: { staticPolicies } });
  if (answer.type === 'failure') throw new PolicyError(`the schema or the policies cannot be used: ${answer.errors.map(({ message }) => message).join('; ')}`);
  const problems = answer.validationErrors.map(({ policyId, error }) => `policy ${policyId}: ${error.message}${error.help ? ` (${error.help})` : ''}`);
  if (problems.length > 0) throw new PolicyError(problems.join('; '));
  return { staticPolicies, reasons };
}

/** Limits what the parser is given: it recurses, and 200 nested parentheses overflow its stack. */
function refuseBombs(text: string): void {
  if (text.length > MAX_BYTES) throw new PolicyError(`the policies are larger than ${MAX_BYTES} bytes`);
  let depth = 0;
  for (const character of text) {
    if ('([{'.includes(character)) depth += 1;
    else if (')]}'.includes(character)) depth -= 1;
    if (depth > MAX_NESTING) throw new PolicyError(`the policies are nested more than ${MAX_NESTING} levels deep`);
  }
}
