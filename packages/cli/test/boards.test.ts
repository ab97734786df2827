import { cp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { EXCHANGE_TOOL } from '@meshwork/blackboard';
import { createMemoryStore } from '@meshwork/core';
import { serveHttp } from '@meshwork/transports';
import { type Io, runCli } from 'meshwork';
import { describe, expect, it } from 'vitest';
import { boardsSettingsOf } from '../src/config/boards-field.ts';
import { peersSettingsOf } from '../src/config/peers-field.ts';
import { dataFolder, readAdminKey } from '../src/data-folder.ts';
import { connectHub } from '../src/remote-hub.ts';
import { type StartHubOptions, startHub } from '../src/start-hub.ts';
import { inFolder, meshwork, runHub } from './program.ts';

const keyOf = (agent: string) => `made-for-tests-and-shown-by-${agent}`;

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

interface Place {
  readonly name: string;
  readonly folder: string;
  readonly port: number;
}

/** A hub over HTTP that shares its boards with the others. */
async function startAt({ name, folder, port }: Place, others: readonly Place[], more: Partial<StartHubOptions> = {}) {
  const errors: unknown[] = [];
  const running = await startHub({
    folder: dataFolder(join(folder, name)),
    name,
    guardian: { givenKeys: ['ana', 'bo', ...others.map((other) => other.name)].map((agent) => ({ key: keyOf(agent), agent })) },
    peers: others.map((other) => ({ name: other.name, agent: other.name, link: { url: `http://127.0.0.1:${other.port}/mcp`, key: keyOf(name) } })),
    syncEveryMs: 500,
    onError: (error) => errors.push(error),
    ...more,
  });
  const server = await serveHttp(running.hub, { port, authenticator: running.guardian.authenticator });
  const stop = async () => {
    await server.close();
    await running.close();
  };
  return { running, url: server.url, errors, stop, as: (agent: string) => connectHub({ url: server.url, key: keyOf(agent) }) };
}

async function placesIn(folder: string): Promise<[Place, Place]> {
  return [
    { name: 'oslo', folder, port: await freePort() },
    { name: 'lima', folder, port: await freePort() },
  ];
}

type Entry = { readonly value?: unknown; readonly writer?: string; readonly conflicts?: number };
const valueAt = async ({ as }: Awaited<ReturnType<typeof startAt>>, key: string): Promise<Entry | undefined> => {
  await using hub = await as('ana');
  return (await hub.call('blackboard_read', { key })).entry as Entry | undefined;
};
const patience = { timeout: 30_000, interval: 50 };

describe('hubs that are peers', () => {
  it(
    'share what is written at either, and what was written while one was away',
    () =>
      inFolder(async (folder) => {
        const [a, b] = await placesIn(folder);
        const oslo = await startAt(a, [b]);
        const lima = await startAt(b, [a]);
        await using ana = await oslo.as('ana');
        await ana.call('blackboard_write', { key: 'plans/q4', value: { status: 'open' } });
        await expect.poll(() => valueAt(lima, 'plans/q4'), patience).toMatchObject({ value: { status: 'open' }, writer: 'ana' });
        await using bo = await lima.as('bo');
        await bo.call('blackboard_write', { key: 'plans/q3', value: 'done' });
        await expect.poll(() => valueAt(oslo, 'plans/q3'), patience).toMatchObject({ value: 'done', writer: 'bo' });
        await lima.stop();

        await ana.call('blackboard_write', { key: 'votes', op: 'increment', by: 2 });
        await ana.call('blackboard_delete', { key: 'plans/q3' });
        const again = await startAt(b, [a]);
        expect(await valueAt(again, 'plans/q4')).toMatchObject({ value: { status: 'open' } });
        await using boAgain = await again.as('bo');
        await boAgain.call('blackboard_write', { key: 'votes', op: 'increment', by: 3 });
        for (const hub of [oslo, again]) {
          await expect.poll(() => valueAt(hub, 'votes'), patience).toMatchObject({ value: 5 });
          await expect.poll(() => valueAt(hub, 'plans/q3'), patience).toBeUndefined();
        }
        const digestAt = async (hub: typeof oslo) => (await hub.running.blackboard?.status('main'))?.digest;
        await expect.poll(async () => (await digestAt(oslo)) === (await digestAt(again)), patience).toBe(true);
        await again.stop();
        await oslo.stop();
      }),
    120_000,
  );

  it(
    'share with a hub that has to come by itself',
    () =>
      inFolder(async (folder) => {
        const [a, b] = await placesIn(folder);
        const oslo = await startAt(a, [b], { peers: [{ name: 'lima', agent: 'lima', link: undefined }] });
        const lima = await startAt(b, [a]);
        await using ana = await oslo.as('ana');
        await ana.call('blackboard_write', { key: 'from', value: 'oslo' });
        await expect.poll(() => valueAt(lima, 'from'), patience).toMatchObject({ value: 'oslo' });
        await using bo = await lima.as('bo');
        await bo.call('blackboard_write', { key: 'to', value: 'oslo' });
        await expect.poll(() => valueAt(oslo, 'to'), patience).toMatchObject({ value: 'oslo' });
        await lima.stop();
        await oslo.stop();
      }),
    120_000,
  );

  it('T34: are agents, and nobody else of their name', () =>
    inFolder(async (folder) => {
      const [a] = await placesIn(folder);
      const oslo = await startAt(a, [], { peers: [{ name: 'lima', agent: 'admin', link: undefined }] });
      await using admin = await connectHub({ url: oslo.url, key: await readAdminKey(dataFolder(join(folder, a.name))) });
      expect(await admin.callRaw(EXCHANGE_TOOL, {})).toMatchObject({ isError: true, structuredContent: { code: 'DENIED' } });
      await oslo.stop();
    }));

  it(
    'T34: share nothing with a hub that nobody named',
    () =>
      inFolder(async (folder) => {
        const [a, b] = await placesIn(folder);
        const pune = { name: 'pune', agent: 'pune', link: undefined };
        const oslo = await startAt(a, [], { peers: [pune], guardian: { givenKeys: ['ana', 'lima'].map((agent) => ({ key: keyOf(agent), agent })) } });
        const lima = await startAt(b, [a]);
        await using ana = await oslo.as('ana');
        await ana.call('blackboard_write', { key: 'k', value: 1 });
        await expect
          .poll(async () => (await lima.running.blackboard?.status('main'))?.peers, patience)
          .toMatchObject([{ peer: 'oslo', isReached: false, reason: expect.stringContaining('DENIED') }]);
        expect(await valueAt(lima, 'k')).toBeUndefined();
        await lima.stop();
        await oslo.stop();
      }),
    60_000,
  );
});

describe('a hub', () => {
  it('has the same board under another name', () =>
    inFolder(async (folder) => {
      const [a] = await placesIn(folder);
      const first = await startAt(a, [], { name: 'before' });
      await using ana = await first.as('ana');
      await ana.call('blackboard_write', { key: 'k', value: 1 });
      const replica = (await first.running.blackboard?.status('main'))?.replica;
      await first.stop();
      const second = await startAt(a, [], { name: 'after' });
      expect(await valueAt(second, 'k')).toMatchObject({ value: 1 });
      expect(await second.running.blackboard?.status('main')).toMatchObject({ replica, members: [{ replica, name: 'after' }] });
      await second.stop();
    }));

  it('goes on as another replica in a copied folder', () =>
    inFolder(async (folder) => {
      const [a] = await placesIn(folder);
      const first = await startAt(a, []);
      await using ana = await first.as('ana');
      await ana.call('blackboard_write', { key: 'k', value: 1 });
      const replica = (await first.running.blackboard?.status('main'))?.replica;
      await first.stop();
      await cp(join(folder, 'oslo'), join(folder, 'copy'), { recursive: true });
      const copy = await startAt({ ...a, name: 'copy' }, []);
      expect(await valueAt(copy, 'k')).toMatchObject({ value: 1 });
      expect((await copy.running.blackboard?.status('main'))?.replica).not.toBe(replica);
      await copy.stop();
      const again = await startAt(a, []);
      expect((await again.running.blackboard?.status('main'))?.replica).toBe(replica);
      await again.stop();
    }));

  it('T34: lets its peers come as often as there is something to say, and counts everybody else', () =>
    inFolder(async (folder) => {
      const [a, b] = await placesIn(folder);
      const limits = [{ by: 'caller', points: 5, perMs: 3_600_000 }] as const;
      const oslo = await startAt(a, [b], { limits });
      const lima = await startAt(b, [a], { limits });
      const [here, there] = [oslo.running.blackboard?.board('main'), lima.running.blackboard?.board('main')];
      for (let n = 0; n < 20; n++) {
        await here?.set('k', n);
        await expect.poll(async () => (await there?.get('k'))?.value, patience).toBe(n);
      }
      await using ana = await lima.as('ana');
      for (let n = 0; n < 4; n++) await ana.call('blackboard_read', { key: 'k' });
      expect(await ana.callRaw(EXCHANGE_TOOL, {})).toMatchObject({ isError: true, structuredContent: { code: 'DENIED' } });
      expect(await ana.callRaw(EXCHANGE_TOOL, {})).toMatchObject({ isError: true, structuredContent: { code: 'LIMITED' } });
      await lima.stop();
      await oslo.stop();
    }));

  it('has no boards where hubs share the store and it has no name, or when it is told so', () =>
    inFolder(async (folder) => {
      const [a] = await placesIn(folder);
      const none = await startAt(a, [], { boards: boardsSettingsOf(false) });
      expect(none.running.blackboard).toBeUndefined();
      await using ana = await none.as('ana');
      expect((await ana.tools()).filter(({ name }) => name.startsWith('blackboard_'))).toEqual([]);
      await none.stop();
      const store = { store: createMemoryStore(), isShared: true, shown: 'memory:' };
      const shared = await startHub({ folder: dataFolder(join(folder, 'shared')), store });
      expect(shared.blackboard).toBeUndefined();
      await shared.close();
    }));
});

describe('keys of level strong', () => {
  const strong = (members?: string[]) => boardsSettingsOf({ main: { rules: [{ prefix: 'lock/', level: 'strong' }], ...(members && { members }) } });

  it('are kept by the store of a hub that is alone, with compare-and-set', () =>
    inFolder(async (folder) => {
      const [a] = await placesIn(folder);
      const hub = await startAt(a, [], { boards: strong() });
      await using ana = await hub.as('ana');
      const write = async (args: object) =>
        (await ana.callRaw('blackboard_write', { key: 'lock/1', ...args })).structuredContent as { entry?: { version: string }; version?: string };
      const first = await write({ value: 'ana', expected: null });
      expect(first).toMatchObject({ entry: { level: 'strong', value: 'ana' } });
      expect(await write({ value: 'bo', expected: null })).toMatchObject({ code: 'CONFLICT', version: first.entry?.version });
      expect(await write({ value: 'bo', expected: first.entry?.version })).toMatchObject({ entry: { value: 'bo' } });
      await hub.stop();
    }));

  it(
    'are kept by a majority of the members, and not without one',
    () =>
      inFolder(async (folder) => {
        const places: Place[] = [];
        for (const name of ['oslo', 'lima', 'pune']) places.push({ name, folder, port: await freePort() });
        const boards = strong(places.map(({ name }) => name));
        const start = (at: number) => {
          const place = places[at] as Place;
          return startAt(
            place,
            places.filter((other) => other !== place),
            { boards },
          );
        };
        const [oslo, lima, pune] = await Promise.all([start(0), start(1), start(2)]);
        await using ana = await oslo.as('ana');
        const write = async (value: number) =>
          (await ana.callRaw('blackboard_write', { key: 'lock/1', value, timeout_ms: 5_000 })).structuredContent as Record<string, unknown>;
        await expect.poll(() => write(1), patience).toMatchObject({ entry: { value: 1, level: 'strong' } });
        expect(await valueAt(lima, 'lock/1')).toMatchObject({ value: 1, writer: 'ana' });
        await pune.stop();
        await expect.poll(() => write(2), patience).toMatchObject({ entry: { value: 2 } });
        expect(await valueAt(lima, 'lock/1')).toMatchObject({ value: 2 });
        await lima.stop();
        expect(['UNAVAILABLE', 'UNKNOWN_OUTCOME']).toContain((await write(3)).code);
        expect(await ana.callRaw('blackboard_read', { key: 'lock/1', timeout_ms: 500 })).toMatchObject({
          isError: true,
          structuredContent: { code: 'UNAVAILABLE' },
        });
        // The other keys do not care.
        expect(await ana.call('blackboard_write', { key: 'k', value: 1 })).toMatchObject({ entry: { value: 1 } });
        await oslo.stop();
      }),
    120_000,
  );

  it('are kept on a board that is called as what every object has', () =>
    inFolder(async (folder) => {
      const [a] = await placesIn(folder);
      const hub = await startAt(a, [], { boards: boardsSettingsOf({ constructor: { level: 'strong' as const } }) });
      await using ana = await hub.as('ana');
      expect(await ana.call('blackboard_write', { board: 'constructor', key: '__proto__', value: 1 })).toMatchObject({ entry: { value: 1, level: 'strong' } });
      await hub.stop();
    }));

  it('are those for which whoever created them said so, where writers choose', { timeout: 120_000 }, () =>
    inFolder(async (folder) => {
      const config = join(folder, 'hub.yaml');
      await writeFile(config, 'boards: { main: { rules: [{ prefix: free/, level: chosen }, { prefix: lock/, level: strong }] } }\n');
      const hub = await runHub(join(folder, 'data'), ['--config', config]);
      const env = { MESHWORK_SERVER: hub.url, MESHWORK_KEY: hub.adminKey };
      const board = async (...args: string[]) => (await meshwork(['board', ...args, '--json'], env)) as { code: number; json: Record<string, unknown> };
      expect(await board('set', 'free/a', '1', '--level', 'strong')).toMatchObject({ code: 0, json: { entry: { level: 'strong' } } });
      expect(await board('set', 'free/a', '2', '--level', 'eventual')).toMatchObject({ code: 1, json: { error: { code: 'CONFLICT' } } });
      expect(await board('set', 'free/b', '1')).toMatchObject({ code: 0, json: { entry: { level: 'eventual' } } });
      expect(await board('set', 'free/c', '1', '--absent')).toMatchObject({ code: 0, json: { entry: { level: 'strong' } } });
      expect(await board('set', 'free/d', '1', '--level', 'session')).toMatchObject({ code: 2 });
      expect(await board('set', 'lock/a', '1')).toMatchObject({ code: 0, json: { entry: { level: 'strong' } } });
      const file = join(folder, 'board.json');
      await meshwork(['board', 'export', '--out', file], env);
      const text = (await readFile(file, 'utf8')).replaceAll('"free/', '"free/again/').replaceAll('"lock/', '"plain/');
      await writeFile(file, text);
      expect(await board('import', file)).toMatchObject({ code: 0, json: { written: 4 } });
      const { entries } = (await board('list')).json as unknown as { entries: { key: string; level: string }[] };
      expect(entries.map(({ key, level }) => `${key} ${level}`)).toEqual([
        'free/a strong',
        'free/again/a strong',
        'free/again/b eventual',
        'free/again/c strong',
        'free/b eventual',
        'free/c strong',
        'lock/a strong',
        'plain/a eventual',
      ]);
      expect(await hub.stop()).toBe(0);
    }),
  );

  it('are refused where nobody could keep them', () =>
    inFolder(async (folder) => {
      const [a, b] = await placesIn(folder);
      await expect(startAt(a, [b], { boards: strong() })).rejects.toThrow(/say in its members which hubs keep them/);
      await expect(startAt(a, [b], { boards: strong(['oslo', 'lima', 'pune']) })).rejects.toThrow(/no peers of oslo with a url: pune/);
      const chosen = (members?: string[]) => boardsSettingsOf({ main: { level: 'chosen', ...(members && { members }) } });
      await expect(startAt(a, [b], { boards: chosen() })).rejects.toThrow(/; let the hubs share a store/);
      await expect(startAt(a, [b], { boards: chosen(['oslo', 'lima']) })).rejects.toThrow(/leave its members out/);
    }));
});

describe('T33: rules about who may use a board', () => {
  it(
    'are kept by tools, lists and resources',
    () =>
      inFolder(async (folder) => {
        const [a] = await placesIn(folder);
        const boards = boardsSettingsOf({ main: { access: [{ prefix: 'secret/', read: ['agent:ana'], write: ['agent:ana'] }] } });
        const hub = await startAt(a, [], { boards });
        await using ana = await hub.as('ana');
        await using bo = await hub.as('bo');
        await ana.call('blackboard_write', { key: 'secret/1', value: 'hidden' });
        await bo.call('blackboard_write', { key: 'open/1', value: 1 });
        for (const [tool, args] of [
          ['blackboard_read', { key: 'secret/1' }],
          ['blackboard_write', { key: 'secret/1', value: 2 }],
          ['blackboard_delete', { key: 'secret/2' }],
        ] as const)
          expect(await bo.callRaw(tool, args)).toMatchObject({
            isError: true,
            structuredContent: { code: 'DENIED', policies: [expect.stringMatching(/^board-rule-1-/)] },
          });
        await expect(bo.read('blackboard://main/secret%2F1')).rejects.toMatchObject({ code: 'DENIED' });
        expect(await ana.read('blackboard://main/secret%2F1')).toMatchObject({ value: 'hidden', writer: 'ana' });
        expect(((await bo.call('blackboard_list', {})).entries as unknown as { key: string }[]).map(({ key }) => key)).toEqual(['open/1']);
        await hub.stop();
      }),
    60_000,
  );
});

describe('meshwork board', () => {
  it(
    'writes, reads, lists, watches and resolves at a hub that was just started',
    () =>
      inFolder(async (folder) => {
        const hub = await runHub(join(folder, 'data'));
        const env = { MESHWORK_SERVER: hub.url, MESHWORK_KEY: hub.adminKey };
        const board = (...args: string[]) => meshwork(['board', ...args], env);
        expect((await board('get', 'plans/q4')).code).toBe(1);
        expect(await board('set', 'plans/q4', '{"status":"open"}')).toMatchObject({ code: 0, out: expect.stringContaining('Written: plans/q4.') });
        expect(await board('get', 'plans/q4')).toMatchObject({ code: 0, out: '{"status":"open"}\n' });
        expect((await board('get', 'plans/q4', '--json')).json).toMatchObject({ found: true, entry: { value: { status: 'open' }, writer: 'admin' } });
        await board('set', 'plans/note', 'just text');
        await board('set', 'plans/number', '42', '--text', '--ttl', '30d');
        const listed = (await board('list', 'plans/', '--json')).json as unknown as { entries: { key: string; value: unknown }[] };
        expect(listed.entries.map(({ key, value }) => [key, value])).toEqual([
          ['plans/note', 'just text'],
          ['plans/number', '42'],
          ['plans/q4', { status: 'open' }],
        ]);
        expect((await board('list')).out).toContain('KEY');
        expect((await board('list', '--limit', '1')).out).toContain('There are more');
        expect((await board('history', 'plans/q4')).out).toContain('{"status":"open"}');
        expect((await board('conflicts', 'plans/q4')).out).toContain('Nobody disagrees');
        expect(await board('resolve', 'plans/q4', 'x', '--json')).toMatchObject({ code: 1, json: { error: { code: 'CONFLICT' } } });
        expect((await board('status')).out).toContain('Board main: 3 keys');
        expect((await board('status', '--json')).json).toMatchObject({ board: 'main', keys: 3 });
        expect((await board('delete', 'plans/note')).code).toBe(0);
        expect((await board('delete', 'plans/note')).code).toBe(1);
        expect((await board('get', 'k', '--board', 'other', '--json')).json).toMatchObject({ error: { code: 'NOT_FOUND' } });
        expect((await board('set', 'k', 'v', '--ttl', 'soon')).code).toBe(2);
        expect((await board('set', 'k', 'v', '--absent', '--expected', 'v')).code).toBe(2);

        await meshwork(['call', 'blackboard_write', 'key=count', 'op=increment', 'by:=5'], env);
        await meshwork(['call', 'blackboard_write', 'key=set', 'op=add', 'value=x'], env);
        const file = join(folder, 'board.json');
        expect((await board('export', '--out', file)).code).toBe(0);
        const before = JSON.parse(await readFile(file, 'utf8')) as { entries: { key: string; value: unknown }[] };
        expect(before.entries.map(({ key }) => key)).toEqual(['count', 'plans/number', 'plans/q4', 'set']);
        expect((await board('export', 'plans/', '--json')).json).toMatchObject({ entries: [{ key: 'plans/number' }, { key: 'plans/q4', writer: 'admin' }] });
        for (const { key } of before.entries) await board('delete', key);
        expect(await board('import', file, '--json')).toMatchObject({ code: 0, json: { written: 4, expired: 0 } });
        const values = (entries: { key: string; value: unknown }[]) => entries.map(({ key, value }) => [key, value]);
        expect(values((await board('export')).json.entries as never)).toEqual(values(before.entries));
        await writeFile(file, '{"entries":[{"key":1}]}');
        expect((await board('import', file)).code).toBe(2);

        const watching = board('watch', 'watched/', '--count', '1', '--json');
        let isOver = false;
        void watching.then(() => {
          isOver = true;
        });
        for (let n = 0; !isOver; n++) await board('set', 'watched/k', String(n));
        expect((await watching).json).toMatchObject({ key: 'watched/k', entry: { key: 'watched/k' } });
        expect(await hub.stop()).toBe(0);
      }),
    120_000,
  );
});

describe('meshwork board watch', () => {
  it('prints changes until it is stopped', () =>
    inFolder(async (folder) => {
      const [a] = await placesIn(folder);
      const hub = await startAt(a, []);
      await using ana = await hub.as('ana');
      let [out, err] = ['', ''];
      let stop = () => {};
      const io: Io = {
        out(text) {
          out += text;
        },
        err(text) {
          err += text;
        },
        env: {},
        cwd: folder,
        onStop(listener) {
          stop = listener;
          return () => {};
        },
      };
      const watching = runCli(['board', 'watch', 'plans/', '--server', hub.url, '--key', keyOf('bo')], io);
      await expect.poll(() => err, patience).toContain('watching');
      await ana.call('blackboard_write', { key: 'notes', value: 'not this' });
      await ana.call('blackboard_write', { key: 'plans/q4', value: 'open' });
      await expect.poll(() => out, patience).toBe('plans/q4  open\n');
      await ana.call('blackboard_delete', { key: 'plans/q4' });
      await expect.poll(() => out, patience).toContain('plans/q4  (deleted)\n');
      stop();
      expect(await watching).toBe(0);
      await hub.stop();
    }));
});

describe('meshwork doctor', () => {
  it(
    'says how the board does, and which peer is away',
    () =>
      inFolder(async (folder) => {
        const config = join(folder, 'hub.yaml');
        await writeFile(config, `peers: [{ name: lima, url: "http://127.0.0.1:${await freePort()}/mcp", key: k }]\n`);
        const hub = await runHub(join(folder, 'data'), ['--config', config]);
        const env = { MESHWORK_SERVER: hub.url, MESHWORK_KEY: hub.adminKey };
        const finding = async () => {
          const { code, json } = await meshwork(['doctor', '--data', join(folder, 'data'), '--json'], env);
          return { code, ...(json as unknown as { findings: { check: string }[] }).findings.find(({ check }) => check === 'board main') };
        };
        await expect
          .poll(finding, patience)
          .toMatchObject({ code: 0, state: 'warn', detail: expect.stringMatching(/^0 keys, 1 member; lima is away: .*127\.0\.0\.1/) });
        expect((await meshwork(['board', 'status'], env)).out).toMatch(/lima +false/);
        await hub.stop();
      }),
    60_000,
  );
});

describe('boards and peers in the configuration', () => {
  const check = (text: string) =>
    inFolder(async (folder) => {
      await writeFile(join(folder, 'a.yaml'), text);
      return meshwork(['config', 'check', 'a.yaml', '--json'], { PEER_KEY: 'very secret' }, folder);
    });

  it('are what they say, and no key is shown', async () => {
    const text = `
name: oslo
boards:
  main: {}
  plans: { level: session, rules: [{ prefix: tmp/, ttl: 7d }], access: [{ prefix: secret/, read: ["agent:ana"] }] }
peers:
  - { name: lima, url: "http://127.0.0.1:3001", key: "\${PEER_KEY}" }
`;
    const { code, out } = await check(text);
    expect(code).toBe(0);
    expect(out).not.toContain('very secret');
    expect(boardsSettingsOf({ plans: { rules: [{ prefix: 'tmp/', ttl: '7d' }] } }).boards).toEqual({
      plans: { rules: [{ prefix: 'tmp/', ttlMs: 604_800_000 }] },
    });
    expect(boardsSettingsOf(false).boards).toEqual({});
    expect(boardsSettingsOf(undefined).boards).toEqual({ main: {} });
    expect(await peersSettingsOf([{ name: 'lima', url: 'http://127.0.0.1:3001', key: 'k' }, { name: 'pune' }], '/')).toEqual([
      { name: 'lima', agent: 'lima', link: { url: 'http://127.0.0.1:3001/mcp', key: 'k', fetch: expect.any(Function) } },
      { name: 'pune', agent: 'pune', link: undefined },
    ]);
  });

  it.each([
    ['a party without its kind', 'boards: { main: { access: [{ read: [ana] }] } }\n'],
    ['a level that is none', 'boards: { main: { level: weak } }\n'],
    ['a board with slashes', 'boards: { a/b: {} }\n'],
    ['a peer without a name', 'peers: [{ url: "https://a.example/mcp" }]\n'],
  ])('are refused with %s', async (_what, text) => {
    expect((await check(text)).code).toBe(2);
  });

  it('are refused with two peers of one agent, two keys, or a key that is not there', async () => {
    for (const peers of [
      [{ name: 'a' }, { name: 'b', agent: 'a' }],
      [{ name: 'a', url: 'https://a.example', key: 'k', keyFile: 'k' }],
      [{ name: 'a', url: 'https://a.example', keyFile: 'nowhere' }],
    ])
      await expect((async () => peersSettingsOf(peers, '/nowhere'))()).rejects.toMatchObject({ exitCode: 2 });
    expect(() => boardsSettingsOf({ main: { access: [{ prefix: 'a' }, { prefix: 'a' }] } })).toThrow(/two rules/);
  });
});
