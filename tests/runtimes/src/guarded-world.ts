import { createHub, createMemoryStore, type Hub, type Module } from '@meshwork/core';
import { type Guardian, guardian, type PolicyEngine } from '@meshwork/guardian';

/** A hub that asks its policies about every call. */
export function createGuardedWorld(engine: PolicyEngine, modules: readonly Module[] = []): { readonly hub: Hub; readonly guard: Guardian } {
  const guard = guardian({ store: createMemoryStore(), engine });
  return { hub: createHub({ modules: [...modules, guard] }), guard };
}
