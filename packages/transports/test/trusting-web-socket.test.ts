import { connectWebSocket, serveHttp, serveWebSocket, trustingWebSocket } from '@meshwork/transports';
import { Client } from '@modelcontextprotocol/client';
import { describe, expect, it } from 'vitest';
import { createAuthority } from './authority.ts';
import { recorder } from './tls-client.ts';
import { authenticator, testHub } from './world.ts';

const authority = await createAuthority();
const { ca } = authority;
const certificate = await authority.issue();

async function callOver(url: string, WebSocket: ReturnType<typeof trustingWebSocket> | undefined): Promise<unknown> {
  const client = new Client({ name: 'c', version: '1.0.0' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
  await client.connect(connectWebSocket(url, { key: 'alice-key', ...(WebSocket && { WebSocket }) }));
  try {
    return (await client.callTool({ name: 'echo', arguments: { text: 'hi' } })).content;
  } finally {
    await client.close();
  }
}

describe('a WebSocket client of a hub with a private authority', () => {
  it.each(['a port of its own', 'the port of HTTP'])('comes in when it trusts that authority, and not otherwise: %s', async (place) => {
    await using hub = testHub();
    const options = { port: 0, authenticator, tls: certificate };
    await using server = await (place === 'the port of HTTP' ? serveHttp(hub, options) : serveWebSocket(hub, options));
    const url = server.url.replace('https', 'wss');
    expect(await callOver(url, trustingWebSocket({ ca }))).toMatchObject([{ text: '{"text":"hi"}' }]);
    expect(await callOver(url, trustingWebSocket({ ca: [(await createAuthority('CN=Another')).ca, ca] }))).toMatchObject([{ text: '{"text":"hi"}' }]);
    for (const stranger of [undefined, trustingWebSocket({}), trustingWebSocket({ ca: (await createAuthority('CN=Another')).ca })])
      await expect(callOver(url, stranger)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('shows its own certificate where it is asked for one', async () => {
    const { seen, authenticator: noting } = recorder();
    await using hub = testHub();
    await using server = await serveWebSocket(hub, { port: 0, authenticator: noting, tls: { ...certificate, ca, requestClientCertificate: 'required' } });
    const { cert, key: certKey } = await authority.issue({ use: 'client', names: [{ type: 'url', value: 'urn:a' }] });
    await callOver(server.url, trustingWebSocket({ ca, cert, certKey }));
    expect(seen[0]?.certificate?.names).toEqual(['URI:urn:a']);
    await expect(callOver(server.url, trustingWebSocket({ ca }))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
