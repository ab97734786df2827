// The agent's machine: all it has is a URL and a key.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const { MESHWORK_SERVER = '', MESHWORK_KEY = '' } = process.env;
const client = new Client({ name: 'data-analyst', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
await client.connect(new StreamableHTTPClientTransport(new URL(MESHWORK_SERVER), { requestInit: { headers: { authorization: `Bearer ${MESHWORK_KEY}` } } }));

const call = async (name: string, args: Record<string, unknown>) =>
  (await client.callTool({ name, arguments: args })).structuredContent as Record<string, unknown>;
const ask = (resource: string) => call('request_permission', { agent_id: 'data_analyst', resource_type: resource, justification: 'Q4 analysis task' });

const granted = await ask('SAP_API');
console.log('SAP_API:', granted.granted, granted.policies);
const refused = await ask('FINANCIAL_API');
console.log('FINANCIAL_API:', refused.granted, refused.reason);
const check = { token: granted.token, agent_id: 'data_analyst', resource_type: 'SAP_API' };
const before = await call('validate_token', check);
await call('revoke_token', { token: granted.token });
const after = await call('validate_token', check);
console.log('valid before and after giving it back:', before.valid, after.valid);
await client.close();
process.exitCode = granted.granted === true && refused.granted === false && before.valid === true && after.valid === false ? 0 : 1;
