import {
  Client,
  ClientCredentialsProvider,
  type ClientOptions,
  CrossAppAccessProvider,
  DpopSession,
  type FetchLike,
  PrivateKeyJwtProvider,
  requestJwtAuthorizationGrant,
  StreamableHTTPClientTransport,
  type StreamableHTTPClientTransportOptions,
} from '@modelcontextprotocol/client';
import { authorizingFetch, OAuthUser } from './oauth-user.ts';
import { WorkloadProvider } from './workload-provider.ts';

/** What the suite hands to a scenario. */
interface ScenarioInput {
  readonly url: string;
  /** True when the run speaks revision 2026-07-28. */
  readonly modern: boolean;
  readonly context: Readonly<Record<string, string>> & { readonly toolCalls?: { name: string; arguments: Record<string, unknown> }[] };
}

export type Scenario = (input: ScenarioInput) => Promise<void>;

/** Where a client that has no registration describes itself; the suite knows this address. */
const METADATA_URL = 'https://conformance-test.local/client-metadata.json';

const negotiate = { versionNegotiation: { mode: 'auto' } } as const;
/** A run of 2026-07-28 speaks that revision wherever the suite's server does. */
const era = (modern: boolean): ClientOptions => (modern ? negotiate : {});

async function connect(url: string, options: ClientOptions = {}, transport: StreamableHTTPClientTransportOptions = {}): Promise<Client> {
  const client = new Client({ name: 'meshwork-conformance', version: '1.0.0' }, { capabilities: {}, ...options });
  await client.connect(new StreamableHTTPClientTransport(new URL(url), transport));
  return client;
}

/** The suite's header and round-trip servers have no `server/discover`: it is answered here, everything else there. */
const discoverHere: FetchLike = async (input, init) => {
  const message = typeof init?.body === 'string' ? (JSON.parse(init.body) as { id: unknown; method?: string }) : undefined;
  if (message?.method !== 'server/discover') return fetch(input, init);
  const result = {
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: { listChanged: true }, resources: {}, prompts: {} },
    _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'suite', version: '1.0.0' } },
  };
  return Response.json({ jsonrpc: '2.0', id: message.id, result });
};

const listOnly: Scenario = async ({ url, modern }) => {
  const client = await connect(url, era(modern));
  await client.listTools();
  await client.close();
};

const callTools: Scenario = async ({ url, modern }) => {
  const client = await connect(url, era(modern));
  const { tools } = await client.listTools();
  if (tools.some(({ name }) => name === 'add_numbers')) await client.callTool({ name: 'add_numbers', arguments: { a: 5, b: 3 } });
  await client.close();
};

const requestMetadata: Scenario = async ({ url }) => {
  const client = await connect(url, { ...negotiate, capabilities: { roots: { listChanged: true }, sampling: {}, elicitation: {} } });
  await client.close();
};

const standardHeaders: Scenario = async ({ url }) => {
  const client = await connect(url, negotiate, { fetch: discoverHere });
  for (const { name } of (await client.listTools()).tools.slice(0, 1)) await client.callTool({ name, arguments: {} });
  for (const { uri } of (await client.listResources()).resources.slice(0, 1)) await client.readResource({ uri });
  for (const { name } of (await client.listPrompts()).prompts.slice(0, 1)) await client.getPrompt({ name, arguments: {} });
  await client.close();
};

const customHeaders: Scenario = async ({ url, context }) => {
  const client = await connect(url, negotiate, { fetch: discoverHere });
  await client.listTools();
  for (const call of context.toolCalls ?? []) await client.callTool(call);
  await client.close();
};

const invalidToolHeaders: Scenario = async ({ url }) => {
  const client = await connect(url, negotiate, { fetch: discoverHere });
  for (const { name } of (await client.listTools()).tools) await client.callTool({ name, arguments: { region: 'us-west1' } }).catch(() => {});
  await client.close();
};

const roundTrips: Scenario = async ({ url }) => {
  const client = new Client({ name: 'meshwork-conformance', version: '1.0.0' }, { ...negotiate, capabilities: { elicitation: {} } });
  client.setRequestHandler('elicitation/create', async () => ({ action: 'accept' as const, content: { confirmed: true } }));
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { fetch: discoverHere }));
  for (const name of ['test_mrtr_echo_state', 'test_mrtr_no_state', 'test_mrtr_unrelated']) await client.callTool({ name, arguments: {} });
  // A result without a resultType is not one: refusing it is right, trying again would not be.
  await client.callTool({ name: 'test_mrtr_no_result_type', arguments: {} }).catch(() => {});
  await client.close();
};

const elicitationDefaults: Scenario = async ({ url }) => {
  const client = new Client({ name: 'meshwork-conformance', version: '1.0.0' }, { capabilities: { elicitation: { form: { applyDefaults: true } } } });
  client.setRequestHandler('elicitation/create', async () => ({ action: 'accept' as const, content: {} }));
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  await client.listTools();
  await client.callTool({ name: 'test_client_elicitation_defaults', arguments: {} });
  await client.close();
};

const reconnect: Scenario = async ({ url, modern }) => {
  const client = await connect(url, era(modern));
  await client.listTools();
  await client.callTool({ name: 'test_reconnection', arguments: {} });
  await client.close();
};

const schemaPreserved: Scenario = async ({ url, modern }) => {
  const client = await connect(url, era(modern));
  const schema = (await client.listTools()).tools.find(({ name }) => name === 'json_schema_2020_12_tool')?.inputSchema;
  await client.callTool({ name: 'json_schema_echo', arguments: { schema } });
  await client.close();
};

const authorize =
  ({ registered = false, bound = false }: { readonly registered?: boolean; readonly bound?: boolean } = {}): Scenario =>
  async ({ url, context, modern }) => {
    const user = new OAuthUser('meshwork-conformance', {
      ...(registered ? { registered: { client_id: context.client_id ?? '', client_secret: context.client_secret ?? '' } } : { metadataUrl: METADATA_URL }),
      ...(bound && { dpop: await DpopSession.create() }),
    });
    const client = await connect(url, registered ? era(modern) : negotiate, { fetch: authorizingFetch(user, url) });
    await client.listTools();
    await client.callTool({ name: 'test-tool', arguments: {} });
    await client.close();
  };

const withProvider =
  (provider: (context: ScenarioInput['context']) => StreamableHTTPClientTransportOptions['authProvider']): Scenario =>
  async ({ url, context, modern }) => {
    const authProvider = provider(context);
    const client = await connect(url, era(modern), authProvider === undefined ? {} : { authProvider });
    await client.listTools();
    await client.close();
  };

const privateKeyJwt = withProvider(
  ({ client_id = '', private_key_pem = '', signing_algorithm = 'ES256' }) =>
    new PrivateKeyJwtProvider({ clientId: client_id, privateKey: private_key_pem, algorithm: signing_algorithm }),
);

const clientSecret = withProvider(
  ({ client_id = '', client_secret = '' }) => new ClientCredentialsProvider({ clientId: client_id, clientSecret: client_secret }),
);

const crossApp = withProvider(
  ({ client_id = '', client_secret = '', idp_client_id = '', idp_id_token = '', idp_token_endpoint = '' }) =>
    new CrossAppAccessProvider({
      clientId: client_id,
      clientSecret: client_secret,
      assertion: async ({ authorizationServerUrl, resourceUrl, fetchFn }) => {
        const grant = await requestJwtAuthorizationGrant({
          tokenEndpoint: idp_token_endpoint,
          audience: authorizationServerUrl,
          resource: resourceUrl,
          idToken: idp_id_token,
          clientId: idp_client_id,
          ...(fetchFn !== undefined && { fetchFn }),
        });
        return grant.jwtAuthGrant;
      },
    }),
);

const workload = withProvider(({ client_id = '', valid_jwt = '' }) => new WorkloadProvider({ clientId: client_id, assertion: valid_jwt }));

/** What to do in each scenario; those under `auth/` that are not named authorize as the server asks. */
const scenarios: Readonly<Record<string, Scenario>> = {
  initialize: listOnly,
  tools_call: callTools,
  'request-metadata': requestMetadata,
  'http-standard-headers': standardHeaders,
  'http-custom-headers': customHeaders,
  'http-invalid-tool-headers': invalidToolHeaders,
  'sep-2322-client-request-state': roundTrips,
  'elicitation-sep1034-client-defaults': elicitationDefaults,
  'sse-retry': reconnect,
  'json-schema-ref-no-deref': listOnly,
  'json-schema-2020-12-preservation': schemaPreserved,
  'auth/pre-registration': authorize({ registered: true }),
  'auth/dpop': authorize({ bound: true }),
  'auth/dpop-nonce': authorize({ bound: true }),
  'auth/wif-jwt-bearer': workload,
  'auth/client-credentials-jwt': privateKeyJwt,
  'auth/client-credentials-basic': clientSecret,
  'auth/cross-app-access-complete-flow': crossApp,
  'auth/enterprise-managed-authorization': crossApp,
};

/** The scenario of a name, or `undefined` for one this client does not know. */
export function scenarioOf(name: string): Scenario | undefined {
  return Object.hasOwn(scenarios, name) ? scenarios[name] : name.startsWith('auth/') ? authorize() : undefined;
}
