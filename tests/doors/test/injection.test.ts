import { logHub } from '@meshwork/telemetry';
import { createLogger } from '@meshwork/telemetry/logger';
import { createFetchHandler } from '@meshwork/transports';
import { describe, expect, it } from 'vitest';
import { doorOf, mcpRequest } from '../src/faces.ts';
import { injectedTexts as texts } from '../src/hostile/texts.ts';
import { createWorld } from '../src/world.ts';

/** What ends a line, steers a terminal or turns the direction of reading. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const STEERING = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

describe('T26: texts that pretend to be lines, commands or formulas', () => {
  it.each(['seed', 'json'] as const)('stay inside one log line each (%s)', async (format) => {
    const lines: string[] = [];
    const world = createWorld();
    const logger = createLogger({ level: 'DEBUG', format, destination: { write: (line) => lines.push(line) } });
    const log = logHub(world.hub, logger);
    const handler = createFetchHandler(world.hub, { authenticator: world.guard.authenticator, log });
    const { key } = await world.guard.agents.add({ name: 'alice' });
    const { send } = doorOf(world, { key }, 'local', { handler });
    for (const text of texts) {
      const said = lines.length;
      const userAgent = text.replace(/[^\x20-\x7e]/g, '');
      await send(`/mcp/tools/${encodeURIComponent(text)}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': userAgent },
        body: '{}',
      });
      await send(
        '/mcp',
        mcpRequest('resources/read', { uri: text }, { 'mcp-name': `=?base64?${Buffer.from(text).toString('base64')}?=`, 'user-agent': userAgent }),
      );
      await send('/mcp/tools/request_permission', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ agent_id: 'alice', resource_type: 'SAP_API', justification: text }),
      });
      log.authenticationFailed({ agent: text, address: text, reason: text });
      log.agentConnected({ agent: text });
      expect(lines.length - said).toBe(5);
    }
    for (const line of lines) {
      expect(line.endsWith('\n')).toBe(true);
      expect(line.slice(0, -1)).not.toMatch(STEERING);
      if (format === 'json') expect(JSON.parse(line)).toMatchObject({ logger: expect.stringMatching(/^mcp\.(auth|server|tools)$/) });
      else expect(line).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] \[(DEBUG|INFO|WARNING|ERROR)\] \[mcp\.(auth|server|tools)\] /);
    }
    await handler.close();
    await logger.close();
  });

  it.each(['ndjson', 'csv'] as const)('stay inside one line of the audit export each (%s)', async (format) => {
    const world = createWorld();
    const { key } = await world.guard.agents.add({ name: 'alice' });
    const { send, close } = doorOf(world, { key }, 'local');
    for (const text of texts)
      await send(`/mcp/tools/${encodeURIComponent(text)}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
    const chunks: string[] = [];
    for await (const chunk of world.log.export({ format })) if (chunk !== '') chunks.push(chunk);
    const lines = chunks.join('').split(/\r?\n/).slice(0, -1);
    expect(lines).toHaveLength(texts.length + (format === 'csv' ? 1 : 0));
    for (const line of lines) {
      expect(line).not.toMatch(STEERING);
      if (format === 'ndjson') expect(texts).toContain((JSON.parse(line) as { name: string }).name);
      else for (const cell of cellsOf(line)) expect(cell).not.toMatch(/^\s*[=+\-@\uff0b\uff0d\uff1d\uff20]/);
    }
    expect(await world.log.verify()).toMatchObject({ ok: true, records: texts.length });
    await close();
  });

  it('come back in the trail as they were, as data', async () => {
    const world = createWorld();
    const { key } = await world.guard.agents.add({ name: 'alice' });
    const { send, close } = doorOf(world, { key }, 'local');
    const justification = texts[0];
    await send('/mcp/tools/request_permission', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ agent_id: 'alice', resource_type: 'SAP_API', justification }),
    });
    const shown = await (await send(`/mcp/resources/${encodeURIComponent('grants://audit')}`, { method: 'GET' })).json();
    const [contents] = (shown as { contents: { text: string }[] }).contents;
    expect(JSON.parse(contents?.text ?? '')).toMatchObject({ entries: [{ justification }] });
    expect(contents?.text).not.toMatch(/[\r\n]/);
    await close();
  });
});

/** The cells of one line, RFC 4180. */
function cellsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '');
}
