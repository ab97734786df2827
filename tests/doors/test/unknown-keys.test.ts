import { createMemoryStore } from '@meshwork/core';
import { describe, expect, it } from 'vitest';
import { doorOf, mcpRequest } from '../src/faces.ts';
import { createWorld } from '../src/world.ts';

describe('T07: a key that is not good', () => {
  it('is answered alike and after the same work, whatever is wrong with it', async () => {
    const kept = createMemoryStore();
    let reads = 0;
    const store = new Proxy(kept, {
      get(target, name) {
        const member = target[name as keyof typeof target] as unknown;
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          if (name === 'get' || name === 'list') reads += 1;
          return member.apply(target, args);
        };
      },
    });
    const world = createWorld({ store });
    const good = (await world.guard.agents.add({ name: 'good' })).key;
    const rotated = (await world.guard.agents.add({ name: 'rotated' })).key;
    await world.guard.agents.rotate('rotated');
    const removed = (await world.guard.agents.add({ name: 'removed' })).key;
    await world.guard.agents.remove('removed');
    const wrong = {
      'unknown id': `mk_${'0'.repeat(16)}_${'A'.repeat(43)}`,
      'wrong secret': good.slice(0, -43) + 'A'.repeat(43),
      'one character off': good.slice(0, -1) + (good.endsWith('A') ? 'B' : 'A'),
      revoked: rotated,
      'of a removed agent': removed,
    };
    for (const request of [mcpRequest('tools/list'), { method: 'GET' }]) {
      const seen = [];
      for (const key of Object.values(wrong)) {
        const { send } = doorOf(world, { key }, 'local');
        reads = 0;
        const response = await send(request.method === 'GET' ? '/mcp/tools' : '/mcp', request);
        seen.push({ status: response.status, headers: [...response.headers], body: await response.text(), reads });
      }
      for (const each of seen) expect(each).toEqual(seen[0]);
      expect(seen[0]).toMatchObject({ status: 401, reads: 1 });
    }
  });
});
