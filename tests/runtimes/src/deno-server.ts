// Runs under Deno. Serves one of two hubs on a free port until its standard input ends.
import { audit } from '@meshwork/audit';
import { createMemoryStore } from '@meshwork/core';
import { standardPolicies, standardSchema } from '@meshwork/guardian';
import { createCedarEngine } from '@meshwork/guardian/cedar';
import { createFetchHandler } from '@meshwork/transports/fetch';
import type { DenoApi } from './deno-api.ts';
import { createGuardedWorld } from './guarded-world.ts';
import { createPlainServer } from './plain-server.ts';

declare const Deno: DenoApi;

const { serve, close, adminKey } = Deno.args[0] === 'guarded' ? await guarded() : { ...createPlainServer(), adminKey: undefined };
const listening = Deno.serve(
  { hostname: '127.0.0.1', port: 0, onListen: ({ port }) => console.log(JSON.stringify({ port, adminKey })) },
  (request, { remoteAddr }) => serve(request, { remoteAddress: remoteAddr.hostname }),
);
for await (const _ of Deno.stdin.readable);
await close();
await listening.shutdown();

async function guarded() {
  const engine = createCedarEngine({ policies: standardPolicies, schema: standardSchema });
  const { hub, guard } = createGuardedWorld(engine, [audit({ journal: createMemoryStore() })]);
  const handler = createFetchHandler(hub, { authenticator: guard.authenticator });
  const end = async () => {
    await handler.close();
    await hub.close();
  };
  return { serve: handler, close: end, adminKey: await guard.createAdminKey() };
}
