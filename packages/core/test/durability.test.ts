import { type Durability, NotDurableError, requireDurable } from '@meshwork/core';
import { describe, expect, it } from 'vitest';

describe('a store whose acknowledged writes must last', () => {
  it('is taken when it is durable', () => {
    expect(() => requireDurable({ durability: 'durable' }, 'the ledger')).not.toThrow();
  });

  it.each<[Durability | undefined, RegExp]>([
    ['may-lose-acknowledged', /the ledger needs .* can lose acknowledged writes .*; choose SQLite/],
    ['process', /forgets everything when the process ends/],
    [undefined, /does not say what it keeps/],
  ])('is refused when it is %s, and the error says why and what to choose', (durability, message) => {
    const refused = () => requireDurable(durability === undefined ? {} : { durability }, 'the ledger');
    expect(refused).toThrow(NotDurableError);
    expect(refused).toThrow(message);
  });
});
