import { connect as connectTcp } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { explainConnection } from './explain-connection.ts';
import type { TlsIdentity } from './trusting-fetch.ts';

/** What stands between a caller and a hub's first answer. */
export type Probe =
  | { readonly state: 'plain' }
  | { readonly state: 'tls'; readonly protocol: string; readonly endsAt: Date }
  | { readonly state: 'closed'; readonly why: string };

const PATIENCE_MS = 5_000;

/** Connects as a client would, without asking for anything, and says what is in the way. */
export async function probe(url: string, identity: TlsIdentity = {}): Promise<Probe> {
  try {
    if (new URL(url).protocol === 'https:') {
      const socket = await shakeHands(url, identity);
      const found = { state: 'tls', protocol: socket.getProtocol() ?? 'TLS', endsAt: new Date(socket.getPeerCertificate().valid_to) } as const;
      socket.destroy();
      return found;
    }
    await knock(url);
  } catch (error) {
    return { state: 'closed', why: explainConnection(url, error) ?? (error as Error).message };
  }
  if (!(await speaksTls(url))) return { state: 'plain' };
  return { state: 'closed', why: `${new URL(url).host} speaks TLS; write https:// instead of http://` };
}

async function speaksTls(url: string): Promise<boolean> {
  try {
    // Nothing is sent: who it is matters only to whoever goes on.
    (await shakeHands(url, { rejectUnauthorized: false })).destroy();
    return true;
  } catch {
    return false;
  }
}

function shakeHands(url: string, options: TlsIdentity & { readonly rejectUnauthorized?: boolean }): Promise<TLSSocket> {
  const { host, port } = placeOf(url);
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host, port, servername: /^[\d.]+$|:/.test(host) ? '' : host, ALPNProtocols: ['http/1.1'], ...options });
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(timedOut()));
    socket.once('error', reject).once('secureConnect', () => resolve(socket));
  });
}

/** Whether somebody takes the connection, and keeps it for long enough to be asked something. */
function knock(url: string): Promise<void> {
  const { host, port } = placeOf(url);
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port });
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(timedOut()));
    socket.once('error', reject).once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}

function placeOf(url: string): { host: string; port: number } {
  const { hostname, port, protocol } = new URL(url);
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) };
}

function timedOut(): Error {
  return Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' });
}
