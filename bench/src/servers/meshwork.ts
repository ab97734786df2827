import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { audit } from '@meshwork/audit';
import { createHub, defineTool, toolAnswer } from '@meshwork/core';
import { guardian, standardPolicies, standardSchema } from '@meshwork/guardian';
import { createCedarEngine } from '@meshwork/guardian/cedar';
import { openSqlite } from '@meshwork/store-sqlite';
import { serveHttp } from '@meshwork/transports';
import { echoInput, toolNames } from '../echo-tools.ts';
import { ready } from './ready.ts';

/** A hub as `meshwork up` makes it: a key to come in, a policy decision and a durable record for every call. */
const folder = await mkdtemp(join(tmpdir(), 'meshwork-bench-'));
process.once('exit', () => void rm(folder, { recursive: true, force: true }));
const store = await openSqlite({ path: join(folder, 'hub.db') });
const guard = guardian({ store, engine: createCedarEngine({ policies: standardPolicies, schema: standardSchema }) });
const tools = toolNames(Number(process.argv[2])).map((name) =>
  defineTool({
    name,
    description: `The tool ${name}.`,
    category: 'bench',
    effect: 'write',
    input: echoInput,
    run: ({ text }) => toolAnswer([{ type: 'text', text }]),
  }),
);
const hub = createHub({ modules: [audit({ journal: store }), guard, { name: 'bench', tools }] });
const { key } = await guard.agents.add({ name: 'bench' });
const server = await serveHttp(hub, { port: 0, authenticator: guard.authenticator, onError: console.error });
ready({ url: server.url, key });
