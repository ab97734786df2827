import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@meshwork/test-engines';
import { type CutProxy, createCutProxy } from './cut-proxy.ts';
import { createHubProcess, type HubProcess } from './hub-process.ts';

/** Hubs on this machine that all share one board, each in a process of its own, and the ways between them. */
export interface Formation {
  readonly hubs: readonly HubProcess[];
  /** The way from each hub to each other one. */
  readonly ways: ReadonlyMap<string, ReadonlyMap<string, CutProxy>>;
  heal(): void;
  /** The digest of the board at each hub. */
  digests(): Promise<readonly string[]>;
  /** What a hub reads of every key. */
  entries(hub: HubProcess): Promise<ReadonlyMap<string, unknown>>;
  close(): Promise<void>;
}

interface Place {
  readonly name: string;
  readonly folder: string;
  readonly port: number;
}

export async function createFormation(names: readonly string[]): Promise<Formation> {
  const folder = await mkdtemp(join(tmpdir(), 'meshwork-boards-'));
  const places = await Promise.all(names.map(async (name) => ({ name, folder: join(folder, name), port: await freePort() })));
  const keys = new Map<string, ReadonlyMap<string, string>>();
  const admins = new Map<string, string>();
  for (const place of places) {
    const { admin, given } = await introduce(place, names);
    admins.set(place.name, admin);
    keys.set(place.name, given);
  }
  const ways = new Map<string, Map<string, CutProxy>>();
  for (const { name } of places) ways.set(name, new Map());
  for (const from of places) for (const to of places) if (from !== to) ways.get(from.name)?.set(to.name, await createCutProxy(to.port));

  const hubs = await Promise.all(
    places.map(async ({ name, folder: at, port }) => {
      const peers = places
        .filter((other) => other.name !== name)
        .map((other) => ({ name: other.name, url: `http://127.0.0.1:${ways.get(name)?.get(other.name)?.port}/mcp`, key: keys.get(other.name)?.get(name) }));
      await writeFile(join(at, 'hub.json'), JSON.stringify({ name, peers, limits: { rules: [] } }));
      return createHubProcess({ name, port, key: admins.get(name) ?? '', args: argsOf(at), env: {} });
    }),
  );
  await Promise.all(hubs.map((hub) => hub.start()));
  const all = [...ways.values()].flatMap((way) => [...way.values()]);
  return {
    hubs,
    ways,
    heal() {
      for (const way of all) way.heal();
    },
    digests: () => Promise.all(hubs.map(async (hub) => `${(await hub.status('main')).digest}`)),
    async entries(hub) {
      const values = new Map<string, unknown>();
      let after: string | undefined;
      do {
        const { status, body } = await hub.call('blackboard_list', { limit: 1_000, ...(after !== undefined && { after }) });
        if (status !== 200) throw new Error(`${hub.name} does not list its board: ${JSON.stringify(body)}`);
        const page = body as { entries: { key: string; value?: unknown }[]; next_after?: string };
        for (const { key, value } of page.entries) values.set(key, value);
        after = page.next_after;
      } while (after !== undefined);
      return values;
    },
    async close() {
      await Promise.all(hubs.map((hub) => hub.stop()));
      await Promise.all(all.map((way) => way.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function argsOf(folder: string): string[] {
  return ['--data', join(folder, 'data'), '--config', join(folder, 'hub.json')];
}

/** Starts a hub for the first time, and has it know the others by keys. */
async function introduce(
  { name, folder, port }: Place,
  names: readonly string[],
): Promise<{ readonly admin: string; readonly given: ReadonlyMap<string, string> }> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'hub.json'), JSON.stringify({ name }));
  const unknown = createHubProcess({ name, port, key: '', args: argsOf(folder), env: {} });
  await unknown.start();
  const admin = (await readFile(join(folder, 'data', 'admin.key'), 'utf8')).trim();
  const hub = createHubProcess({ name, port, key: admin, args: [], env: {} });
  const given = new Map<string, string>();
  for (const other of names) {
    if (other === name) continue;
    const { status, body } = await hub.call('agent_add', { agent_id: other });
    if (status !== 200) throw new Error(`${name} does not add ${other}: ${JSON.stringify(body)}`);
    given.set(other, `${body.key}`);
  }
  await unknown.stop();
  return { admin, given };
}
