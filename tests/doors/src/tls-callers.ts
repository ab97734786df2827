import { Agent, request } from 'node:https';
import type { LoadCaller } from './load.ts';
import { toolFor } from './outage-world.ts';

/** A client certificate and its key, in PEM. */
interface Shown {
  readonly cert: string;
  readonly key: string;
}

export interface TlsCallerOptions {
  readonly name: string;
  readonly url: string;
  readonly ca: string;
  /** What it shows now; asked for each new connection. */
  readonly shown: () => Shown;
  /** One connection for all calls, or one for each. */
  readonly keepsConnection: boolean;
}

export interface TlsCaller extends LoadCaller {
  /** The sockets its calls went over, by their local ports, and the certificates it was shown on them, by their serial numbers. */
  readonly ports: ReadonlySet<number>;
  readonly serials: ReadonlySet<string>;
  close(): void;
}

/** A caller over REST that shows who it is by its certificate alone. What OpenSSL says of a server is an outcome like any other. */
export function overTls({ name, url, ca, shown, keepsConnection }: TlsCallerOptions): TlsCaller {
  const ports = new Set<number>();
  const serials = new Set<string>();
  const kept = keepsConnection ? agentOf(ca, shown()) : undefined;
  return {
    name,
    ports,
    serials,
    call(id) {
      const agent = kept ?? agentOf(ca, shown());
      return new Promise((resolve, reject) => {
        const sent = request(`${url}/tools/${toolFor(id)}`, { agent, method: 'POST', headers: { 'content-type': 'application/json' } }, (response) => {
          const { localPort = 0 } = response.socket;
          ports.add(localPort);
          serials.add((response.socket as unknown as { getPeerCertificate(): { serialNumber?: string } }).getPeerCertificate().serialNumber ?? '');
          response.resume().once('end', () => {
            resolve(response.statusCode === 200 ? 'ok' : String(response.statusCode));
            if (kept === undefined) agent.destroy();
          });
          response.once('error', reject);
        });
        sent.once('error', (error: NodeJS.ErrnoException) => (error.code?.startsWith('CERT_') ? resolve(error.code) : reject(error)));
        sent.end(JSON.stringify({ id }));
      });
    },
    close: () => kept?.destroy(),
  };
}

function agentOf(ca: string, { cert, key }: Shown): Agent {
  return new Agent({ ca, cert, key, maxCachedSessions: 0, keepAlive: true, maxSockets: 1 });
}
