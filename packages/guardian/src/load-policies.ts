import type { DetailedError } from '@cedar-policy/cedar-wasm/nodejs';
import type { CedarWasm } from './cedar-wasm.ts';
import { PolicyError } from './policy-error.ts';

/** Policies ready for Cedar, and the words for whoever they refuse. */
export interface LoadedPolicies {
  readonly staticPolicies: Readonly<Record<string, string>>;
  readonly reasons: ReadonlyMap<string, string>;
}

const MAX_LENGTH = 65_536;
const MAX_NESTING = 64;
const MAX_OPERATORS = 200;

/** Reads policies and checks them against the schema. @throws {PolicyError} */
export function loadPolicies(cedar: CedarWasm, text: string, schema: string): LoadedPolicies {
  refuseBombs(text, 'policies');
  refuseBombs(schema, 'schema');
  try {
    return load(cedar, text, schema);
  } catch (cause) {
    if (cause instanceof PolicyError) throw cause;
    // The engine itself gives up on some hostile texts by throwing.
    throw new PolicyError(`the policies cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function load(cedar: CedarWasm, text: string, schema: string): LoadedPolicies {
  const parts = cedar.policySetTextToParts(text);
  if (parts.type === 'failure')
    throw new PolicyError(`the policies cannot be parsed: ${parts.errors.map((error) => lineOf(error, text) + error.message).join('; ')}`);
  if (parts.policy_templates.length > 0)
    throw new PolicyError(`a policy with ?principal or ?resource is a template, and templates are not used here: ${parts.policy_templates[0]}`);
  // Without a prototype: a policy named __proto__ would otherwise be lost, and what it forbids be allowed.
  const staticPolicies: Record<string, string> = Object.create(null);
  const reasons = new Map<string, string>();
  for (const [index, policy] of inTextOrder(parts.policies, text).entries()) {
    const json = cedar.policyToJson(policy);
    if (json.type === 'failure') throw new PolicyError(`policy ${index + 1} cannot be read: ${json.errors.map(({ message }) => message).join('; ')}`);
    const { id, reason } = (json.json.annotations ?? {}) as { id?: string | null; reason?: string | null };
    if (!id) throw new PolicyError(`policy ${index + 1} has no @id; every policy needs one, because every answer names the policies that decided`);
    if (Object.hasOwn(staticPolicies, id)) throw new PolicyError(`two policies have the @id ${JSON.stringify(id)}`);
    staticPolicies[id] = policy;
    if (reason) reasons.set(id, reason);
  }
  const answer = cedar.validate({ schema, policies: { staticPolicies } });
  if (answer.type === 'failure') throw new PolicyError(`the schema or the policies cannot be used: ${answer.errors.map(({ message }) => message).join('; ')}`);
  const problems = answer.validationErrors.map(
    ({ policyId, error }) => `policy ${policyId}: ${lineOf(error, text, staticPolicies[policyId])}${error.message}${error.help ? ` (${error.help})` : ''}`,
  );
  if (problems.length > 0) throw new PolicyError(problems.join('; '));
  return { staticPolicies, reasons };
}

/** Cedar gives the eleventh policy before the third: it sorts them by names of its own. */
function inTextOrder(policies: readonly string[], text: string): string[] {
  const places = new Map(policies.map((policy) => [policy, text.indexOf(policy)]));
  return policies.toSorted((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0));
}

/** `line 7: `, when the place is known. Places are counted in UTF-8 bytes from the start of the policy, or of the whole text. */
function lineOf({ sourceLocations }: DetailedError, text: string, policy = text): string {
  const start = sourceLocations?.[0]?.start;
  const before = text.indexOf(policy);
  if (start === undefined || before === -1) return '';
  const upTo = text.slice(0, before) + new TextDecoder().decode(new TextEncoder().encode(policy).slice(0, start));
  return `line ${upTo.split('\n').length}: `;
}

/** What counts: the text of strings and comments does not, and a policy ends with its semicolon. */
const TOKEN = /"(?:[^"\\]|\\[\s\S])*("|$)|\/\/[^\n]*|[([{]|[)\]}]|;|&&|\|\||[.+*-]|\b(?:if|when|unless)\b/g;

/**
 * Limits what the parser is given. It recurses, and an overflow of its stack does not only fail: it leaves Cedar unusable for the
 * whole process, and every decision from then on would be a refusal.
 */
function refuseBombs(text: string, what: 'policies' | 'schema'): void {
  if (text.length > MAX_LENGTH) throw new PolicyError(`the text of the ${what} must not be larger than ${MAX_LENGTH} characters`);
  let depth = 0;
  let operators = 0;
  for (const [token, closing] of text.matchAll(TOKEN)) {
    if (closing === '') throw new PolicyError(`the text of the ${what} opens a string that is not closed`);
    if (token.startsWith('"') || token.startsWith('//')) continue;
    if (token === ';') operators = 0;
    else if ('([{'.includes(token)) depth += 1;
    else if (')]}'.includes(token)) depth -= 1;
    else operators += 1;
    if (depth > MAX_NESTING) throw new PolicyError(`the text of the ${what} is nested more than ${MAX_NESTING} levels deep`);
    if (depth < 0) throw new PolicyError(`the text of the ${what} closes a bracket that was not opened`);
    if (operators > MAX_OPERATORS) throw new PolicyError(`one of the ${what} has more than ${MAX_OPERATORS} operators; write it as several`);
  }
}
