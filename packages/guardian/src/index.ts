export type { Agent, AgentBook } from './agent-book.ts';
export type { Grant, GrantState } from './grant-book.ts';
export { type Guardian, type GuardianEvents, type GuardianOptions, guardian, standardResourceTypes } from './guardian.ts';
export type { Facts, PolicyDecision, PolicyEngine, ResourceType } from './policy-engine.ts';
export { PolicyError } from './policy-error.ts';
export { standardPolicies } from './standard-policies.ts';
export { standardSchema } from './standard-schema.ts';
export type { ZoneOf } from './zones.ts';
