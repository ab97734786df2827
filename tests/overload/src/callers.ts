import * as http from 'node:http';
import * as https from 'node:https';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';
import type { Places } from './hub-messages.ts';
import { callText, requestHeaders } from './requests.ts';

export type FaceName = 'http' | 'rest' | 'webSocket' | 'socket';

/** Somebody who calls a tool on one connection of one face. */
export interface Caller {
  /** Calls, and resolves with the text of the answer. */
  call(name: string, args: Readonly<Record<string, unknown>>): Promise<string>;
  close(): void;
}

export const callers: Readonly<Record<FaceName, (places: Places, key: string) => Promise<Caller>>> = {
  http: async ({ http }, key) => overHttp((name, args) => ({ url: http, headers: requestHeaders(key, 'tools/call', name), body: callText(name, args) })),
  rest: async ({ http }, key) =>
    overHttp((name, args) => ({
      url: `${http}/tools/${name}`,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(args),
    })),
  async webSocket({ webSocket }, key) {
    const socket = new WebSocket(webSocket, { headers: { authorization: `Bearer ${key}` } });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return overMessages({
      send: (text) => socket.send(text),
      close: () => socket.close(),
      listen(onText, onEnd) {
        socket.on('message', (data) => onText(String(data)));
        socket.on('close', onEnd);
      },
    });
  },
  async socket({ socket: path }) {
    const socket = connect(path);
    await new Promise((resolve, reject) => socket.once('connect', () => resolve(undefined)).once('error', reject));
    return overMessages({
      send: (text) => socket.write(`${text}\n`),
      close: () => socket.end(),
      listen(onText, onEnd) {
        createInterface({ input: socket }).on('line', onText);
        socket.on('close', onEnd);
      },
    });
  },
};

interface HttpCall {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

function overHttp(toCall: (name: string, args: Readonly<Record<string, unknown>>) => HttpCall): Caller {
  let agent: http.Agent | undefined;
  return {
    call(name, args) {
      const { url, headers, body } = toCall(name, args);
      const { Agent, request } = url.startsWith('https:') ? https : http;
      // Whose certificate it is does not matter here.
      agent ??= new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
      return new Promise((resolve, reject) => {
        const asked = request(url, { method: 'POST', agent, headers: { ...headers, 'content-length': Buffer.byteLength(body) } }, (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('error', reject);
          response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error(`${response.statusCode} ${text.slice(0, 300)}`))));
        });
        asked.on('error', reject);
        asked.end(body);
      });
    },
    close: () => agent?.destroy(),
  };
}

interface Messages {
  send(text: string): void;
  listen(onText: (text: string) => void, onEnd: () => void): void;
  close(): void;
}

function overMessages(messages: Messages): Caller {
  const waiting = new Map<number, { resolve: (text: string) => void; reject: (error: Error) => void }>();
  let id = 0;
  messages.listen(
    (text) => {
      const answer = JSON.parse(text) as { id?: number; error?: object };
      const call = waiting.get(answer.id ?? -1);
      if (answer.id === undefined || call === undefined) return;
      waiting.delete(answer.id);
      if (answer.error === undefined) call.resolve(text);
      else call.reject(new Error(text));
    },
    () => {
      for (const { reject } of waiting.values()) reject(new Error('the connection has ended'));
    },
  );
  return {
    call: (name, args) =>
      new Promise((resolve, reject) => {
        waiting.set(++id, { resolve, reject });
        messages.send(callText(name, args, { id }));
      }),
    close: () => messages.close(),
  };
}
