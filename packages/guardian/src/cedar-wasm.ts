/** What is used of cedar-wasm, which comes in one build for Node and one for every other place. */
export type CedarWasm = Pick<
  typeof import('@cedar-policy/cedar-wasm/nodejs'),
  'policySetTextToParts' | 'policyToJson' | 'preparsePolicySet' | 'preparseSchema' | 'schemaToJsonWithResolvedTypes' | 'statefulIsAuthorized' | 'validate'
>;
