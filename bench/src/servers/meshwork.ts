import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { audit } from '@meshwork/audit';
import { createHub, defineTool, toolAnswer } from '@meshwork/core';
import { guardian, standardPolicies, standardSchema } from '@meshwork/guardian';
import { createCedarEngine } from '@meshwork/guardian/cedar';
import { openSqlite } from '@meshwork/store-sqlite';
import { serveHttp } from '@meshwork/transports';
import { z } from 'zod';
import { echoInput, toolNames } from '../echo-tools.ts';
import { ready } from './ready.ts';

/**
 * A hub as `meshwork up` makes it: a key to come in, a policy decision and a durable record for every call. Its arguments: how many tools, and
 * how many connections one address and one principal may have where that is more than usual.
 */
const [count, connections] = process.argv.slice(2).map(Number) as [number, number?];
const folder = await mkdtemp(join(tmpdir(), 'meshwork-bench-'));
process.once('exit', () => void rm(folder, { recursive: true, force: true }));
const store = await openSqlite({ path: join(folder, 'hub.db') });
const guard = guardian({ store, engine: createCedarEngine({ policies: standardPolicies, schema: standardSchema }) });
const log = audit({ journal: store, isExclusive: true });
const tools = toolNames(count).map((name) =>
  defineTool({
    name,
    description: `The tool ${name}.`,
    category: 'bench',
    effect: 'write',
    input: echoInput,
    run: ({ text }) => toolAnswer([{ type: 'text', text }]),
  }),
);
const big = defineTool({
  name: 'big',
  description: 'Answers at length.',
  category: 'bench',
  effect: 'read',
  input: z.strictObject({ bytes: z.number() }),
  run: ({ bytes }) => toolAnswer([{ type: 'text', text: 'x'.repeat(bytes) }]),
});
const crowded = connections !== undefined && {
  recorder: log.door,
  maxConnectionsPerAddress: connections,
  webSocket: { maxConnectionsPerPrincipal: connections },
};
const hub = createHub({ modules: [log, guard, { name: 'bench', tools: crowded ? [...tools, big] : tools }] });
const { key } = await guard.agents.add({ name: 'bench' });
// Of a crowd that leaves, every connection would be an error.
const server = await serveHttp(hub, { port: 0, authenticator: guard.authenticator, ...(crowded || { onError: console.error }) });
ready({ url: server.url, key });
