import { rawRequest, requestHeaders } from '../requests.ts';
import { type Attack, type Door, KEY, knock, many } from './attack.ts';

const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', authorization: `Bearer ${KEY}` };

const hold = (door: Door, opening: string, drip?: string): Attack => {
  return (places, size) =>
    many(size, async () => {
      const socket = await knock(places, door);
      if (socket === undefined) return;
      if (opening !== '') socket.write(opening);
      if (drip === undefined) return;
      const dripping = setInterval(() => socket.write(drip), 500);
      socket.once('close', () => clearInterval(dripping));
    });
};

/** Connections that begin something and never end it. */
export const halfOpen: Readonly<Record<string, Attack>> = {
  'say nothing over HTTP': hold('http', ''),
  'send half a request line over HTTP': hold('http', 'POST /mc'),
  'send headers without end over HTTP': hold('http', 'POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\n', 'x-more: 1\r\n'),
  'stop in the middle of a body': hold(
    'http',
    `${rawRequest('http://h/mcp', 'POST', { ...requestHeaders(KEY, 'tools/call', 'echo'), 'content-length': '1000000' })}{"jsonrpc"`,
  ),
  'stop in the middle of a body, without a key': hold(
    'http',
    `${rawRequest('http://h/mcp', 'POST', { 'content-type': 'application/json', 'content-length': '1000000' })}${'x'.repeat(100_000)}`,
  ),
  'stop in the middle of an upgrade': hold('webSocket', rawRequest('http://h/mcp', 'GET', upgrade).slice(0, -2)),
  'upgrade and say nothing more': hold('webSocket', rawRequest('http://h/mcp', 'GET', { ...upgrade, 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' })),
  'say nothing on the WebSocket port': hold('webSocket', ''),
  'say nothing on the Unix socket': hold('socket', ''),
  'send half a line on the Unix socket': hold('socket', '{"jsonrpc":"2.0","id":1,"meth'),
};

/** Bodies of which only the last byte never comes. */
export const unendedBodies: Readonly<Record<string, Attack>> = {
  'stop just before the end of a body': hold(
    'http',
    `${rawRequest('http://h/mcp', 'POST', { ...requestHeaders(KEY, 'tools/call', 'echo'), 'content-length': '1000001' })}${'x'.repeat(1_000_000)}`,
  ),
};
