import { describe, expect, it } from 'vitest';
import { startDeno } from './deno.ts';
import { connect } from './requests.ts';
import { startWorker } from './workerd.ts';

interface Server {
  readonly url: string;
  readonly adminKey: string;
  stop(): Promise<unknown>;
}

async function guardedWorker(name: string, flags?: string[]): Promise<Server> {
  const worker = await startWorker(`src/${name}.ts`, flags);
  return { ...worker, adminKey: await (await fetch(new URL('/admin-key', worker.url))).text() };
}

const runtimes: readonly (readonly [string, boolean, () => Promise<Server>])[] = [
  ['Deno, with the audit log', true, () => startDeno('guarded')],
  ['workerd', false, () => guardedWorker('guarded-worker')],
  ['workerd with nodejs_compat, and the audit log', true, () => guardedWorker('audited-worker', ['nodejs_compat'])],
];

describe.each(runtimes)('permissions under %s', (runtime, audited, start) => {
  it('are asked for, decided by policies, granted, checked and recorded', async () => {
    const { url, adminKey, stop } = await start();
    // Believed by these workers alone; Deno knows the address of the connection.
    const headers = { 'cf-connecting-ip': '127.0.0.1' };
    const admin = await connect(url, adminKey, { headers });
    const added = await admin.callTool({ name: 'agent_add', arguments: { agent_id: 'analyst' } });
    const { key } = added.structuredContent as { key: string };
    const agent = await connect(url, key, { headers });
    const stranger = await connect(url, key);
    const ask = { name: 'request_permission', arguments: { agent_id: 'analyst', resource_type: 'SAP_API', justification: 'Q4 report' } };

    const isKnown = runtime.startsWith('Deno');
    expect(await stranger.callTool(ask)).toMatchObject({
      structuredContent: { granted: isKnown, policies: [isKnown ? 'local-agents-everyday-resources' : 'external-no-grants'] },
    });
    const asked = await agent.callTool(ask);
    expect(asked).toMatchObject({ structuredContent: { granted: true, policies: ['local-agents-everyday-resources'] } });
    const { token } = asked.structuredContent as { token: string };
    expect(await agent.callTool({ name: 'validate_token', arguments: { token, agent_id: 'analyst', resource_type: 'SAP_API' } })).toMatchObject({
      structuredContent: { valid: true },
    });
    expect(await agent.callTool({ name: 'agent_list', arguments: {} })).toMatchObject({ isError: true });
    if (audited) expect(await admin.callTool({ name: 'audit_verify', arguments: {} })).toMatchObject({ structuredContent: { ok: true } });
    await Promise.all([agent.close(), stranger.close(), admin.close()]);
    await stop();
  });
});
