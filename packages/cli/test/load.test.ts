import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inFolder, meshwork, type RunningProgram, runHub } from './program.ts';

const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };

async function callTool(url: string, key: string, name: string, args: object): Promise<Record<string, unknown>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${key}`,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': name,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args, _meta: meta } }),
  });
  const { result } = (await response.json()) as { result: { structuredContent: Record<string, unknown> } };
  return result.structuredContent;
}

async function addAgents(hub: RunningProgram, count: number): Promise<{ name: string; key: string }[]> {
  const agents = [];
  for (let index = 0; index < count; index++) {
    const name = `agent-${index}`;
    agents.push({ name, key: String((await callTool(hub.url, hub.adminKey, 'agent_add', { agent_id: name })).key) });
  }
  return agents;
}

describe('under load', () => {
  it(
    'answers 10,000 requests of 50 agents correctly, with one record each',
    () =>
      inFolder(async (folder) => {
        const hub = await runHub(join(folder, 'a'));
        const agents = await addAgents(hub, 50);
        const work = agents.map(async ({ name, key }, index) => {
          const other = agents[(index + 1) % agents.length]?.name ?? '';
          for (let round = 0; round < 40; round++) {
            const ask = { agent_id: name, resource_type: 'SAP_API', justification: `round ${round}` };
            const granted = await callTool(hub.url, key, 'request_permission', ask);
            expect(granted).toMatchObject({ granted: true });
            const { token } = granted;
            expect(await callTool(hub.url, key, 'validate_token', { token, agent_id: name, resource_type: 'SAP_API' })).toMatchObject({ valid: true });
            expect(await callTool(hub.url, key, 'validate_token', { token, agent_id: other, resource_type: 'SAP_API' })).toMatchObject({ valid: false });
            expect(await callTool(hub.url, key, 'request_permission', { ...ask, resource_type: 'FINANCIAL_API' })).toMatchObject({ granted: false });
            expect(await callTool(hub.url, key, 'revoke_token', { token })).toMatchObject({ revoked: true });
          }
        });
        await Promise.all(work);
        const { records, ok } = await callTool(hub.url, hub.adminKey, 'audit_verify', {});
        // The 50 agents were added by calls too; the verification itself is recorded after it has counted.
        expect({ ok, records }).toEqual({ ok: true, records: 10_000 + 50 });
        await hub.stop();
      }),
    300_000,
  );

  it(
    'loses no acknowledged grant, revocation or record when it is killed in the middle',
    () =>
      inFolder(async (folder) => {
        const data = join(folder, 'a');
        let hub = await runHub(data);
        const agents = await addAgents(hub, 10);
        for (let round = 0; round < 3; round++) {
          const held: { name: string; key: string; token: unknown }[] = [];
          const revoked: { name: string; key: string; token: unknown }[] = [];
          let acknowledged = 0;
          const { url } = hub;
          const work = agents.map(async ({ name, key }) => {
            for (;;) {
              const { token } = await callTool(url, key, 'request_permission', { agent_id: name, resource_type: 'SAP_API', justification: 'before the crash' });
              acknowledged += 1;
              if (acknowledged % 3 !== 0) {
                held.push({ name, key, token });
                continue;
              }
              await callTool(url, key, 'revoke_token', { token });
              acknowledged += 1;
              revoked.push({ name, key, token });
            }
          });
          const ended = Promise.allSettled(work);
          while (acknowledged < 200) await new Promise((resolve) => setImmediate(resolve));
          await hub.stop('SIGKILL');
          await ended;
          hub = await runHub(data);
          const check = ({ name, key, token }: (typeof held)[number]) =>
            callTool(hub.url, key, 'validate_token', { token, agent_id: name, resource_type: 'SAP_API' });
          for (const each of held) expect(await check(each)).toMatchObject({ valid: true });
          for (const each of revoked) expect(await check(each)).toMatchObject({ valid: false });
          const verified = await callTool(hub.url, hub.adminKey, 'audit_verify', {});
          expect(verified.ok).toBe(true);
          expect(Number(verified.records)).toBeGreaterThanOrEqual(acknowledged);
        }
        const summary = await meshwork(['audit', 'verify', '--json'], { MESHWORK_SERVER: hub.url, MESHWORK_KEY: hub.adminKey });
        expect(summary).toMatchObject({ code: 0 });
        await hub.stop();
      }),
    180_000,
  );
});
