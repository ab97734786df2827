import { createHub, createMemoryStore, createOperations, inProcessPrincipal } from '@meshwork/core';
import { type HttpServer, serveHttp } from '@meshwork/transports';
import { conformanceFixture } from './fixture-module.ts';

/** A hub with the suite's fixtures, open to everybody on this machine: the suite shows no credential. */
export function startFixtureServer({ port = 0, quickCalls = true }: { port?: number; quickCalls?: boolean } = {}): Promise<HttpServer> {
  const hub = createHub({ modules: [conformanceFixture()], operations: createOperations({ store: createMemoryStore() }) });
  return serveHttp(hub, { port, quickCalls, authenticator: { everybody: inProcessPrincipal('suite') } });
}

if (import.meta.main) console.log((await startFixtureServer({ port: Number(process.argv[2] ?? 0) })).url);
