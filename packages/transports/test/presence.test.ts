import { createPresence, presenceModule } from '@meshwork/transports';
import { describe, expect, it } from 'vitest';
import { withRest } from './rest-world.ts';
import { alice, bob } from './world.ts';

function manual() {
  let now = Date.UTC(2026, 0, 31, 10);
  const advance = (ms: number) => {
    now += ms;
  };
  return { clock: { now: () => now }, advance };
}

describe('who is present', () => {
  it('is a caller with a connection, for as long as it has one', () => {
    const { clock, advance } = manual();
    const presence = createPresence({ clock });
    const closeFirst = presence.opened(alice, 'sse');
    const closeSecond = presence.opened(alice, 'sse');
    advance(600_000);
    closeFirst();
    closeFirst();
    expect(presence.list()).toEqual([
      { agent_id: 'alice', kind: 'agent', face: 'sse', zone: 'local', connected_at: '2026-01-31T10:00:00.000Z', last_seen: '2026-01-31T10:10:00.000Z' },
    ]);
    closeSecond();
    expect(presence.list()).toEqual([]);
  });

  it('is a caller of single requests, for a minute after the last', () => {
    const { clock, advance } = manual();
    const presence = createPresence({ clock });
    presence.seen(bob, 'mcp');
    advance(1);
    presence.seen(alice, 'rest');
    advance(59_000);
    presence.seen(bob, 'mcp');
    advance(2_000);
    expect(presence.list()).toMatchObject([{ agent_id: 'bob', connected_at: '2026-01-31T10:00:00.000Z', last_seen: '2026-01-31T10:00:59.001Z' }]);
    advance(100_000);
    presence.seen(bob, 'mcp');
    expect(presence.list()).toMatchObject([{ connected_at: '2026-01-31T10:02:41.001Z' }]);
  });

  it('does not grow without end, and forgets those with a connection last', () => {
    const presence = createPresence({ maxEntries: 3 });
    presence.opened(alice, 'ws');
    for (let count = 0; count < 100; count++) presence.seen({ ...bob, id: `agent-${count}` }, 'rest');
    expect(presence.list().map(({ agent_id }) => agent_id)).toEqual(['alice', 'agent-98', 'agent-99']);
  });

  it('is told of when it comes and when it is gone, and not when it is back soon', async () => {
    const presence = createPresence({ requestTtlMs: 300 });
    const told: string[] = [];
    presence.events.on('agent-connected', ({ agent_id, face }) => told.push(`+ ${agent_id} ${face}`));
    presence.events.on('agent-gone', ({ agent_id, face }) => told.push(`- ${agent_id} ${face}`));
    const close = presence.opened(alice, 'ws');
    presence.opened(alice, 'ws')();
    presence.seen({ ...bob, kind: 'anonymous', id: 'nobody' }, 'mcp');
    presence.seen(bob, 'mcp');
    presence.seen(bob, 'mcp');
    // Nobody asks for the list: the time of bob's last request is over all the same.
    await expect.poll(() => told).toEqual(['+ alice ws', '+ bob mcp', '- bob mcp']);
    close();
    expect(presence.list()).toEqual([]);
    const back = presence.opened(alice, 'ws');
    expect(told).toHaveLength(3);
    back();
    await expect.poll(() => told.slice(3)).toEqual(['- alice ws']);
    presence.close();
    presence.seen(bob, 'mcp');
    expect(told).toHaveLength(4);
  });

  it('is told of as gone when it is forgotten for others', () => {
    const presence = createPresence({ maxEntries: 1 });
    const told: string[] = [];
    presence.events.on('agent-gone', ({ agent_id }) => told.push(agent_id));
    presence.seen(alice, 'mcp');
    presence.seen(bob, 'mcp');
    expect(told).toEqual(['alice']);
  });

  it('is read as a resource, and over REST', async () => {
    const presence = createPresence();
    await withRest(
      async ({ send }) => {
        const answer = await send('/mcp/agents', { headers: { 'x-api-key': 'bob-key' } });
        expect(await answer.json()).toMatchObject([{ agent_id: 'bob', kind: 'agent', face: 'rest', zone: 'local' }]);
        expect(await (await send('/mcp/resources/agents%3A%2F%2Fconnected')).json()).toMatchObject({ contents: [{ uri: 'agents://connected' }] });
      },
      { presence, modules: [presenceModule(presence)] },
    );
  });
});
