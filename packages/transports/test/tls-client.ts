import { request as httpRequest } from 'node:http';
import { Agent, type AgentOptions, request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { Authenticator, Connection } from '@meshwork/core';
import { alice } from './world.ts';

export interface Answer {
  readonly status: number;
  readonly body: string;
  /** The serial number of the certificate the server showed. */
  readonly serial: string;
}

export interface GetOptions extends Omit<AgentOptions, 'keepAlive'> {
  readonly headers?: Record<string, string>;
  readonly keepAlive?: Agent;
}

/** One GET over TLS, on a connection of its own unless an agent is given. */
export function get(url: string, { headers = {}, keepAlive, ...tls }: GetOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const agent = keepAlive ?? new Agent({ ...tls, maxCachedSessions: 0 });
    request(url, { agent, headers: { 'x-api-key': 'alice-key', ...headers } }, (response) => {
      const { serialNumber: serial = '' } = (response.socket as TLSSocket).getPeerCertificate();
      let body = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        body += chunk;
      });
      response.on('error', reject).on('end', () => resolve({ status: response.statusCode ?? 0, body, serial }));
    })
      .on('error', reject)
      .end();
  });
}

/** One GET in plain text, from an address of this machine. */
export function getPlain(url: string, headers: Record<string, string> = {}, localAddress = '127.0.0.1'): Promise<number> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { localAddress, agent: false, headers: { 'x-api-key': 'alice-key', ...headers } }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    })
      .on('error', reject)
      .end();
  });
}

/** Lets everybody in as alice, and keeps what it was told of each connection. */
export function recorder(): { readonly seen: Connection[]; readonly authenticator: Authenticator } {
  const seen: Connection[] = [];
  return {
    seen,
    authenticator: {
      async authenticate(_credential, connection) {
        seen.push(connection);
        return alice;
      },
    },
  };
}

/** Waits until a connection has closed, with or without an error. */
export function closed(socket: { once(event: 'close', listener: () => void): unknown }): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()));
}
