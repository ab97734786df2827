import { expect, it } from 'vitest';
import { inFolder, meshwork, runHub } from './program.ts';

it(
  'keeps what the guardian tells as events, shows each agent its own, and delivers them again after a restart until they are acknowledged',
  () =>
    inFolder(async (data) => {
      const call = async (url: string, key: unknown, tool: string, body: object) => {
        const headers = { authorization: `Bearer ${String(key)}`, 'content-type': 'application/json' };
        const response = await fetch(`${url}/tools/${tool}`, { method: 'POST', headers, body: JSON.stringify(body) });
        const text = await response.text();
        if (!response.ok) throw new Error(`${response.status} ${text}`);
        return JSON.parse(text) as { result?: object } & Record<string, unknown>;
      };
      const hub = await runHub(data);
      const admin = { MESHWORK_SERVER: hub.url, MESHWORK_KEY: hub.adminKey };
      const keys: Record<string, unknown> = {};
      for (const agent of ['ana', 'bo']) keys[agent] = (await meshwork(['agent', 'add', agent, '--json'], admin)).json.key;
      await call(hub.url, keys.ana, 'event_subscribe', { action: 'save', name: 'grants', filter: { types: ['meshwork.grant.*'] } });
      const token = String(
        (
          await meshwork(['request-permission', '--agent', 'ana', '--resource', 'SAP_API', '--justification', 'Q4 analysis task', '--json'], {
            MESHWORK_SERVER: hub.url,
            MESHWORK_KEY: String(keys.ana),
          })
        ).json.token,
      );
      const shown = JSON.stringify(await call(hub.url, keys.ana, 'event_query', {}));
      expect(shown).toContain('meshwork.grant.issued');
      expect(shown).toContain('meshwork.key.issued');
      for (const secret of [token, String(keys.ana)]) expect(shown).not.toContain(secret);
      const others = JSON.stringify(await call(hub.url, keys.bo, 'event_query', {}));
      expect(others).toContain('meshwork.key.issued');
      expect(others).not.toContain('meshwork.grant.issued');
      await expect(call(hub.url, keys.ana, 'event_subscribe', { action: 'save', name: 'hook', webhook_url: 'https://example.org/' })).rejects.toThrow('403');
      expect(await hub.stop('SIGKILL')).not.toBe(0);

      const again = await runHub(data);
      const taken = JSON.stringify(await call(again.url, keys.ana, 'event_subscribe', { action: 'take', name: 'grants' }));
      expect(taken).toContain('meshwork.grant.issued');
      // The network this hub stands in is not reached by a webhook, whoever asks for it.
      await call(again.url, hub.adminKey, 'event_subscribe', { action: 'save', name: 'inside', webhook_url: `${again.url}/tools`, from_offset: 1 });
      await expect
        .poll(
          async () => {
            const headers = { authorization: `Bearer ${hub.adminKey}` };
            return (await fetch(`${again.url}/resources/${encodeURIComponent('events://subscription/inside')}`, { headers })).text();
          },
          { timeout: 10_000 },
        )
        .toMatch(/last_failure.{0,20}https/);
      await again.stop('SIGTERM');
    }),
  60_000,
);
