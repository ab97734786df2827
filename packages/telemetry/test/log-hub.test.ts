import { logHub } from '@meshwork/telemetry';
import { createLogger } from '@meshwork/telemetry/logger';
import { manualClock } from '@meshwork/testing';
import { describe, expect, it } from 'vitest';
import { hubWith, secrets } from './hub-for-tests.ts';

function world(level = 'DEBUG') {
  const lines: string[] = [];
  const logger = createLogger({ level, clock: manualClock(), destination: { write: (line) => lines.push(line.trimEnd().replace(/^\[[^\]]*\] /, '')) } });
  const { hub, call } = hubWith();
  return { log: logHub(hub, logger), call, lines };
}

describe('the log of a hub', () => {
  it.each([
    ['works', {}, {}, /^\[DEBUG\] \[mcp.tools\] Executing tool: works outcome=ok principal=tester face=local duration_ms=[\d.]+ call_id=call\S+$/],
    ['asks', {}, {}, /^\[DEBUG\] .* outcome=input-required /],
    ['denies', {}, {}, /^\[WARNING\] \[mcp.tools\] Executing tool: denies outcome=denied code=DENIED /],
    ['breaks', {}, {}, /^\[ERROR\] \[mcp.tools\] Executing tool: breaks outcome=failed code=INTERNAL /],
    ['seeks', {}, {}, /^\[INFO\] .* outcome=failed code=NOT_FOUND /],
    ['works', { n: 'x' }, {}, /^\[INFO\] .* outcome=invalid code=INVALID_INPUT /],
    ['nope', {}, {}, /^\[INFO\] .* outcome=unknown-name /],
    ['a://b', {}, { kind: 'resource' }, /^\[DEBUG\] \[mcp.tools\] Reading resource: a:\/\/b outcome=ok /],
    ['a://broken/1', {}, { kind: 'resource' }, /^\[ERROR\] \[mcp.tools\] Reading resource: a:\/\/broken\/1 outcome=failed code=INTERNAL /],
    ['greet', {}, { kind: 'prompt' }, /^\[DEBUG\] \[mcp.tools\] Rendering prompt: greet outcome=ok /],
  ])('writes one line of a call of %s %o', async (name, args, more, expected) => {
    const { call, lines } = world();
    await call(name, args, more);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(expected);
  });

  it('holds no argument, no answer, no secret, and no name that looks like a field', async () => {
    const { call, lines } = world();
    await call('breaks', { say: `the argument ${secrets.key}` });
    await call(`works outcome=ok\n[INFO] ${secrets.token}`);
    await call('x'.repeat(240) + secrets.token);
    expect(lines.join()).not.toMatch(/argument|A{5}|B{5}/);
    expect(lines[1]).toContain('Executing tool: "works outcome=ok\\n[INFO] [secret]" outcome=unknown-name');
    expect(lines[2]!.length).toBeLessThan(500);
  });

  it('writes nothing of what is below its level', async () => {
    const { call, lines } = world('INFO');
    await call('works');
    expect(lines).toEqual([]);
  });

  it('writes of connections and credentials what it is told, in quotes where it must', () => {
    const { log, lines } = world();
    log.agentConnected({ agent: 'desktop-claude', face: 'ws', address: '10.0.0.7' });
    log.agentDisconnected({ agent: 'desktop-claude' });
    log.authenticationFailed({ agent: 'agent-xyz', reason: 'unknown key' });
    log.authenticationFailed({ agent: 'x\n[INFO] [mcp.auth] fine' });
    log.authenticationFailed({});
    expect(lines).toEqual([
      '[INFO] [mcp.server] Agent desktop-claude connected face=ws address=10.0.0.7',
      '[INFO] [mcp.server] Agent desktop-claude disconnected',
      '[ERROR] [mcp.auth] Authentication failed for agent-xyz reason="unknown key"',
      '[ERROR] [mcp.auth] Authentication failed for "x\\n[INFO] [mcp.auth] fine"',
      '[ERROR] [mcp.auth] Authentication failed for an unnamed caller',
    ]);
  });

  it('stops when it is disposed of', async () => {
    const { log, call, lines } = world();
    log[Symbol.dispose]();
    await call('works');
    expect(lines).toEqual([]);
  });
});
