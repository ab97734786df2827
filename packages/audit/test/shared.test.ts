import { audit } from '@meshwork/audit';
import { createHub, createMemoryJournal, defineTool, inProcessPrincipal, type Journal, toolAnswer } from '@meshwork/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const tool = defineTool({
  name: 'work',
  description: 'Works.',
  category: 'test',
  effect: 'write',
  input: z.object({}),
  run: () => toolAnswer([]),
});

/** An end of a journal that answers late, as one over a network does. */
function farAway(journal: Journal): Journal {
  const later = () => new Promise((resolve) => setTimeout(resolve, 3));
  return {
    ...journal,
    async append(...args) {
      await later();
      return journal.append(...args);
    },
  };
}

async function callAll(journal: Journal, logs: readonly ReturnType<typeof audit>[]) {
  const hubs = logs.map((log) => createHub({ modules: [log, { name: 'test', tools: [tool] }] }));
  const calls = hubs.flatMap((hub) =>
    Array.from({ length: 100 }, async (_, index) => {
      await new Promise((resolve) => setTimeout(resolve, index % 20));
      return hub.call({ name: 'work', arguments: {}, principal: inProcessPrincipal('alice'), face: 'local' });
    }),
  );
  const results = await Promise.allSettled(calls);
  await Promise.all(hubs.map((hub) => hub.close()));
  return {
    answered: results.filter((result) => result.status === 'fulfilled' && !('isError' in result.value && result.value.isError === true)).length,
    verification: await audit({ journal }).verify(),
  };
}

describe('an audit stream that several hubs write to', () => {
  it('is one chain with a record of every call, and no call is withheld', async () => {
    const journal = createMemoryJournal();
    const logs = [1, 2, 3].map(() => audit({ journal: farAway(journal) }));
    expect(await callAll(journal, logs)).toMatchObject({ answered: 300, verification: { ok: true, records: 300 } });
  });
});
