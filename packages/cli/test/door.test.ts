import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inFolder, meshwork, type RunningProgram, runHub } from './program.ts';

/** The status a request is answered with, on a connection of its own. */
function statusOf(hub: RunningProgram, headers: Record<string, string>, path = '/mcp/tools'): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL(path, hub.url), { headers, agent: false }, (response) => resolve(response.resume().statusCode ?? 0));
    outgoing.on('error', reject).end();
  });
}

interface Records {
  readonly records: { readonly status?: number; readonly name: string; readonly outcome: string; readonly principal: { readonly id: string } }[];
}

describe('the door of a running hub', () => {
  it(
    'records what it refuses, and stops who tries key after key',
    () =>
      inFolder(async (folder) => {
        const hub = await runHub(join(folder, 'data'));
        const admin = { MESHWORK_SERVER: hub.url, MESHWORK_KEY: hub.adminKey };
        expect(await statusOf(hub, {})).toBe(401);
        expect(await statusOf(hub, { 'x-api-key': hub.adminKey }, '/wp-login.php?user=1')).toBe(404);
        expect(await statusOf(hub, { 'x-api-key': hub.adminKey, host: 'evil.example' })).toBe(403);
        const listed = await meshwork(['audit', 'list', '--kind', 'door', '--json'], admin);
        expect((listed.json as unknown as Records).records.map(({ status, name, outcome, principal }) => [status, name, outcome, principal.id])).toEqual([
          [403, 'GET /mcp/tools', 'denied', 'unknown'],
          [404, 'GET /wp-login.php', 'unknown-name', 'unknown'],
          [401, 'GET /mcp/tools', 'denied', 'unknown'],
        ]);
        expect((await meshwork(['audit', 'list', '--kind', 'door'], admin)).out).toContain('GET /wp-login.php');
        expect(await meshwork(['audit', 'verify', '--json'], admin)).toMatchObject({ code: 0 });

        for (let at = 0; at < 30; at++) expect(await statusOf(hub, { 'x-api-key': `guess-${at}` })).toBe(401);
        expect(await statusOf(hub, { 'x-api-key': 'guess-30' })).toBe(429);
        expect(await statusOf(hub, { 'x-api-key': hub.adminKey })).toBe(429);
        expect(await hub.stop()).toBe(0);
      }),
    60_000,
  );

  it(
    'holds the limits that the configuration names',
    () =>
      inFolder(async (folder) => {
        const config = join(folder, 'meshwork.yaml');
        const rules = '  rules:\n    - { by: [caller, tool], points: 2, per: 1h, of: { zone: [local] } }\n';
        await writeFile(config, `limits:\n  failuresPerMinute: 2\n  json: { maxValues: 200 }\n${rules}`);
        const hub = await runHub(join(folder, 'data'), ['--config', config]);
        const admin = { MESHWORK_SERVER: hub.url, MESHWORK_KEY: hub.adminKey };
        const verify = () => meshwork(['audit', 'verify'], admin);
        expect([(await verify()).code, (await verify()).code]).toEqual([0, 0]);
        const refused = await verify();
        expect(refused.code).not.toBe(0);
        expect(refused.err).toContain('the limit of 2 calls an hour for each caller and tool is used up');
        expect((await meshwork(['audit', 'list'], admin)).code).toBe(0);
        const headers = { 'x-api-key': hub.adminKey, 'content-type': 'application/json' };
        const wide = await fetch(`${hub.url}/tools/audit_list`, {
          method: 'POST',
          headers,
          body: JSON.stringify({ list: Array.from({ length: 300 }, () => 0) }),
        });
        expect([wide.status, await wide.text()]).toEqual([400, expect.stringContaining('more than 200 values')]);
        for (let at = 0; at < 2; at++) expect(await statusOf(hub, { 'x-api-key': 'guess' })).toBe(401);
        expect(await statusOf(hub, { 'x-api-key': 'guess' })).toBe(429);
        expect(await hub.stop()).toBe(0);
      }),
    60_000,
  );
});
