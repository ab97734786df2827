import { createHub, createMemoryStore, defineTool, inProcessPrincipal, toolAnswer } from '@meshwork/core';
import { guardian, standardPolicies, standardSchema } from '@meshwork/guardian';
import { createCedarEngine } from '@meshwork/guardian/cedar';
import { serveHttp } from '@meshwork/transports';
import { echoInput } from '../echo-tools.ts';
import { ready } from './ready.ts';

/** One tool without policy or record, so that what is left is the door: `open` lets everybody in, the others look at a credential. */
const [, , door = 'open'] = process.argv;
const store = createMemoryStore();
const guard = guardian({ store, engine: createCedarEngine({ policies: standardPolicies, schema: standardSchema }) });
const echo = defineTool({
  name: 'echo',
  description: 'The tool echo.',
  effect: 'read',
  input: echoInput,
  run: ({ text }) => toolAnswer([{ type: 'text', text }]),
});
const hub = createHub({ modules: [{ name: 'bench', tools: [echo] }] });
const { key } = await guard.agents.add({ name: 'bench' });
const authenticator = door === 'open' ? { everybody: inProcessPrincipal('bench') } : guard.authenticator;
const server = await serveHttp(hub, { port: 0, authenticator, onError: console.error });
ready({ url: server.url, key });
