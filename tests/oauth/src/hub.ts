import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Authenticator, type Call, createHub, defineResource, defineTool, MeshworkError, toolAnswer } from '@meshwork/core';
import { createOAuthAuthenticator } from '@meshwork/guardian/oauth';
import { type HttpServer, type ServeHttpOptions, serveHttp } from '@meshwork/transports';
import { createGuardedFetch } from '@meshwork/transports/outbound';
import { z } from 'zod';

/** The hub's clock: the machine's, which a test can put forward. */
interface MovableClock {
  now(): number;
  advance(ms: number): void;
}

function movableClock(): MovableClock {
  let ahead = 0;
  return {
    now: () => Date.now() + ahead,
    advance(ms) {
      ahead += ms;
    },
  };
}

/** A port nobody has just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface ProtectedHub extends AsyncDisposable {
  readonly url: string;
  readonly clock: MovableClock;
  /** Calls that have ended, in order. */
  readonly calls: readonly { readonly call: Call; readonly code: unknown }[];
  /** Resolves when the authenticator has said yes so many times more. */
  looks(count: number): Promise<void>;
}

export interface ProtectedHubOptions {
  readonly port: number;
  readonly issuer: string;
  readonly dpopNonce?: boolean;
  readonly serve?: Partial<ServeHttpOptions>;
}

/** A hub with a tool for each effect, open to the tokens of one issuer for its own URL. */
export async function serveProtectedHub({ port, issuer, dpopNonce = false, serve = {} }: ProtectedHubOptions): Promise<ProtectedHub> {
  const resource = `http://127.0.0.1:${port}/mcp`;
  const clock = movableClock();
  const tools = (['read', 'write', 'admin'] as const).map((effect) =>
    defineTool({
      name: `do_${effect}`,
      description: 'Says who asked.',
      category: 'test',
      effect,
      input: z.strictObject({}),
      run: (_, { principal }) => toolAnswer([{ type: 'text', text: principal.id }]),
    }),
  );
  const page = defineResource({ uri: 'test://page', name: 'page', description: 'A page.', read: () => ({ contents: [{ uri: 'test://page', text: 'read' }] }) });
  const hub = createHub({ modules: [{ name: 'test', tools, resources: [page] }] });
  const calls: { call: Call; code: unknown }[] = [];
  hub.events.on('call-finished', ({ call, result, error }) => {
    const failure = MeshworkError.isInstance(error) ? error : (result as { structuredContent?: { code?: unknown } } | undefined)?.structuredContent;
    calls.push({ call, code: failure?.code });
  });
  const looking = new Set<() => void>();
  const inner = createOAuthAuthenticator({
    resource,
    issuers: [{ issuer, algorithms: ['EdDSA'], principalOf: ({ client_id }) => (client_id === 'worker' ? { id: 'data_analyst' } : undefined) }],
    fetch: createGuardedFetch({ allow: ['127.0.0.1'] }),
    clock,
    dpopNonce,
  });
  const authenticator: Authenticator = {
    async authenticate(credential, connection) {
      const principal = await inner.authenticate(credential, connection);
      if (principal !== undefined) for (const looked of looking) looked();
      return principal;
    },
  };
  const server: HttpServer = await serveHttp(hub, { port, authenticator, oauth: { resource, authorizationServers: [issuer] }, ...serve });
  return {
    url: resource,
    clock,
    calls,
    looks: (count) =>
      new Promise((resolve) => {
        let left = count;
        const looked = () => {
          left -= 1;
          if (left > 0) return;
          looking.delete(looked);
          resolve();
        };
        looking.add(looked);
      }),
    async [Symbol.asyncDispose]() {
      await server.close();
      await hub.close();
    },
  };
}
