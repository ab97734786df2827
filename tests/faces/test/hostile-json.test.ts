import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AuditLog, audit } from '@meshwork/audit';
import { createHub, createMemoryStore, defineTool, toolAnswer } from '@meshwork/core';
import { manualClock } from '@meshwork/testing';
import { type HttpServer, serveHttp } from '@meshwork/transports';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { alice } from '../src/world.ts';

const corpus = fileURLToPath(new URL('../../../../shared/corpora/json/test_parsing.tar.gz', import.meta.url));

/** Valid JSON that is refused on purpose: two members of one name. */
const REFUSED = /^y_object_duplicated_key/;
/** An empty body is an empty object to REST. */
const EMPTY = 'n_structure_no_data.json';

/** How bytes were answered: whether they were called malformed, and whether they were let through. */
interface Answered {
  readonly malformed: boolean;
  readonly refused: boolean;
}

const ways: Readonly<Record<string, (server: HttpServer, bytes: Buffer) => Promise<Answered>>> = {
  async 'MCP over HTTP'({ url }, bytes) {
    const response = await fetch(url, { method: 'POST', headers: { ...headers, accept: 'application/json, text/event-stream' }, body: bytes as never });
    const { error } = (await response.json()) as { error?: { code: number } };
    return { malformed: response.status === 400 && error?.code === -32700, refused: response.status === 400 };
  },
  async REST({ url }, bytes) {
    const response = await fetch(`${url}/tools/anything`, { method: 'POST', headers, body: bytes as never });
    const { detail = '', code } = (await response.json()) as { detail?: string; code?: string };
    return { malformed: response.status === 400 && code === 'INVALID_INPUT' && !detail.includes('JSON object'), refused: response.status === 400 };
  },
  async WebSocket({ url }, bytes) {
    const socket = new WebSocket(url.replace('http', 'ws'), ['mcp'], { headers });
    socket.on('error', () => {});
    const answered = new Promise<Answered>((resolve) => {
      socket.on('message', (data) => {
        const { code } = (JSON.parse(String(data)) as { error: { code: number } }).error;
        resolve({ malformed: code === -32700, refused: true });
      });
      // Text that is no UTF-8 ends the connection (RFC 6455, section 8.1).
      socket.on('close', (code) => resolve({ malformed: code === 1007, refused: true }));
    });
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(bytes, { binary: false });
    const answer = await answered;
    socket.terminate();
    return answer;
  },
};
const headers = { authorization: 'Bearer alice-key', 'content-type': 'application/json' };

describe.skipIf(!existsSync(corpus))('the JSONTestSuite corpus, sent to a hub (skipped where ../shared/corpora does not exist)', () => {
  it.each(Object.keys(ways))('is refused and accepted as it says, with one record each: %s', { timeout: 120_000 }, async (way) => {
    const files = readCorpus();
    const clock = manualClock();
    const log: AuditLog = audit({ journal: createMemoryStore(), clock });
    const anything = defineTool({ name: 'anything', description: 'x', category: 'test', effect: 'read', input: z.looseObject({}), run: () => toolAnswer([]) });
    await using hub = createHub({ modules: [log, { name: 'm', tools: [anything] }], clock });
    const authenticator = { authenticate: async (key: string | undefined) => (key === 'alice-key' ? alice : undefined) };
    await using server = await serveHttp(hub, { port: 0, authenticator, recorder: log.door });
    const wrong: unknown[] = [];
    let size = 0;
    for (const [name, bytes] of files) {
      // One a second: nothing of this is a flood.
      clock.advance(1_000);
      const answered = await ways[way]?.(server, bytes);
      const isEmpty = way === 'REST' && name === EMPTY;
      if (name.startsWith('n_') && !isEmpty && answered?.malformed !== true) wrong.push([name, answered]);
      if (name.startsWith('y_') && answered?.malformed !== REFUSED.test(name)) wrong.push([name, answered]);
      size += 1;
      const records = await log.list({ since: new Date(clock.now()).toISOString() });
      if (records.length !== 1) wrong.push([name, records]);
      if (name.startsWith('n_') && !isEmpty && records[0]?.status !== 400) wrong.push([name, records]);
    }
    expect(wrong).toEqual([]);
    expect(size).toBeGreaterThan(300);
    expect(await log.verify()).toMatchObject({ ok: true, records: size });
  });
});

function readCorpus(): [name: string, bytes: Buffer][] {
  const folder = mkdtempSync(join(tmpdir(), 'json-corpus-'));
  try {
    execFileSync('tar', ['-xzf', corpus, '-C', folder]);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'));
    return files.map((file) => [file.split('/').at(-1) ?? '', readFileSync(join(folder, file))]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
