import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CallTool, createAgentKey, openSession } from '@meshwork/guardian/agent';
import { describe, expect, it } from 'vitest';
import { inFolder, meshwork, runHub } from './program.ts';

/** Calls tools over REST. */
const over =
  (url: string, key: string): CallTool =>
  async (name, args) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const response = await fetch(`${url}/tools/${name}`, { method: 'POST', headers, body: JSON.stringify(args) });
    return response.json();
  };

describe('signing in with a key pair', () => {
  it('works with a hub as it is started, by the name its configuration gives it, and across a restart; no token is in the record', () =>
    inFolder(async (folder) => {
      const config = join(folder, 'meshwork.json');
      const audience = 'https://hub.example/mcp';
      await writeFile(config, JSON.stringify({ guardian: { audience, sessionTtl: '2m' } }));
      const data = join(folder, 'data');
      const hub = await runHub(data, ['--config', config]);
      const { key } = (await meshwork(['agent', 'add', 'a', '--json'], { MESHWORK_SERVER: hub.url, MESHWORK_KEY: hub.adminKey })).json;
      const { publicKey, privateKey, kid } = await createAgentKey();
      expect(await over(hub.url, hub.adminKey)('agent_key_add', { agent_id: 'a', public_key: publicKey })).toMatchObject({ structuredContent: { kid } });
      const session = await openSession({ call: over(hub.url, String(key)), agentId: 'a', privateKey, audience });
      expect(session.lifetimeMs).toBeGreaterThan(110_000);
      expect(session.lifetimeMs).toBeLessThanOrEqual(120_000);
      expect(await hub.stop()).toBe(0);

      const again = await runHub(data, ['--config', config]);
      expect(await over(again.url, session.token)('session_end', {})).toMatchObject({ structuredContent: { ended: true } });
      expect(await over(again.url, session.token)('session_end', {})).toMatchObject({ status: 401 });
      const exported = await meshwork(['audit', 'export'], { MESHWORK_SERVER: again.url, MESHWORK_KEY: again.adminKey });
      expect(exported.out).toContain('auth_respond');
      expect(exported.out).not.toContain(session.token.split('.')[2]);
      await again.stop();
    }));
});
