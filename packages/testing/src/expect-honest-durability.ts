import { type Enduring, NotDurableError, requireDurable } from '@meshwork/core';
import { expect } from 'vitest';

/** A driver says what it is worth, and only `durable` is let in where nothing acknowledged may be lost. */
export function expectHonestDurability(store: Enduring): void {
  expect(['durable', 'may-lose-acknowledged', 'process']).toContain(store.durability);
  const require = () => requireDurable(store, 'this test');
  if (store.durability === 'durable') expect(require).not.toThrow();
  else expect(require).toThrow(NotDurableError);
}
