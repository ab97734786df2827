import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import type { Abortable, AbortListener } from '@meshwork/core';
import type { Callers } from './callers.ts';
import { peerFacts } from './peer-facts.ts';
import type { ConnectionFacts, FaceResponse, PlainRequest } from './plain-http.ts';
import { joinChunks, type RawBody } from './read-body.ts';
import type { SlowAnswers } from './slow-answers.ts';
import type { SlowBodies } from './slow-bodies.ts';

const REQUEST = Symbol('the request that a response answers');

interface Outgoing extends Writable {
  [REQUEST]?: NodeRequest;
}

/** A request of Node's server as the faces read it. Everything that not every request needs is made when it is asked for. */
export class NodeRequest implements PlainRequest, Abortable {
  readonly method: string;
  readonly path: string;
  readonly #incoming: IncomingMessage;
  readonly #outgoing: Writable;
  readonly #search: string;
  readonly #callers: Callers;
  readonly #bodies: SlowBodies | undefined;
  #headers: Map<string, string> | undefined;
  #body: Promise<RawBody> | undefined;
  #isTooLarge = false;
  #facts: ConnectionFacts | undefined;
  #onGone: AbortListener[] | undefined;

  /** `outgoing` is the response, or the socket itself of a request to upgrade, which has no body. */
  constructor(incoming: IncomingMessage, outgoing: Writable, callers: Callers, bodies?: SlowBodies) {
    const { method = 'GET', url = '/' } = incoming;
    const mark = url.indexOf('?');
    this.method = method;
    this.path = mark === -1 ? url : url.slice(0, mark);
    this.#search = mark === -1 ? '' : url.slice(mark + 1);
    this.#incoming = incoming;
    this.#callers = callers;
    this.#bodies = bodies;
    this.#outgoing = outgoing;
  }

  get urlLength(): number {
    return this.path.length + this.#search.length;
  }

  get headerCount(): number {
    return this.#incoming.rawHeaders.length / 2;
  }

  get query(): URLSearchParams {
    return new URLSearchParams(this.#search);
  }

  get facts(): ConnectionFacts {
    this.#facts ??= this.#callers.factsOf(peerFacts(this.#incoming.socket), (name) => this.header(name));
    return this.#facts;
  }

  header(name: string): string | null {
    this.#headers ??= gather(this.#incoming.rawHeaders);
    return this.#headers.get(name) ?? null;
  }

  readBody(maxBytes: number): Promise<RawBody> {
    this.#body ??= this.#readAll(maxBytes);
    return this.#body;
  }

  /** Known once the body was read. */
  get isTooLarge(): boolean {
    return this.#isTooLarge;
  }

  async #readAll(maxBytes: number): Promise<RawBody> {
    const body = await readAll(this.#incoming, maxBytes, this.#bodies);
    this.#isTooLarge = body === 'too-large';
    return body;
  }

  /** The request is its own signal: an `AbortController` for each costs more than most need. */
  get gone(): Abortable {
    return this;
  }

  get aborted(): boolean {
    return this.#outgoing.closed && !this.#outgoing.writableFinished;
  }

  addEventListener(_type: 'abort', listener: AbortListener): void {
    if (this.#onGone === undefined) {
      this.#onGone = [];
      (this.#outgoing as Outgoing)[REQUEST] = this;
      this.#outgoing.on('close', tellRequest);
    }
    this.#onGone.push(listener);
  }

  removeEventListener(_type: 'abort', listener: AbortListener): void {
    if (this.#onGone !== undefined) this.#onGone = this.#onGone.filter((each) => each !== listener);
  }

  /** To be called when the response is closed, whether or not it was written. */
  closed(): void {
    if (this.aborted) for (const listener of this.#onGone ?? []) listener.handleEvent();
  }

  toRequest(): Request {
    this.#headers ??= gather(this.#incoming.rawHeaders);
    const gone = new AbortController();
    this.addEventListener('abort', { handleEvent: () => gone.abort() });
    return new Request(`http://hub${this.path}`, { method: this.method, headers: [...this.#headers], signal: gone.signal });
  }
}

/** One function for all, called with the response as `this`: a closure for each would be kept long after its request. */
function tellRequest(this: Outgoing): void {
  this[REQUEST]?.closed();
}

/** Node keeps only the first of some headers that come twice; here they are joined, so that nobody reads one and checks the other. */
function gather(raw: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] as string).toLowerCase();
    const value = raw[at + 1] as string;
    const known = headers.get(name);
    headers.set(name, known === undefined ? value : `${known}, ${value}`);
  }
  return headers;
}

/** By events: an async iterator over a request costs more than the rest of reading it. What comes after the cap is thrown away. */
function readAll(incoming: IncomingMessage, maxBytes: number, bodies: SlowBodies | undefined): Promise<RawBody> {
  return new Promise((resolve, reject) => {
    const kept: Uint8Array[] = [];
    let size = 0;
    incoming.on('data', (chunk: Uint8Array) => {
      size += chunk.byteLength;
      if (size > maxBytes) {
        kept.length = 0;
        return resolve('too-large');
      }
      kept.push(chunk);
      bodies?.arrived(incoming, chunk.byteLength);
    });
    incoming.on('end', () => size <= maxBytes && resolve(joinChunks(kept, size)));
    // Only a connection that breaks off says so.
    incoming.on('error', reject);
  });
}

/** Writes an answer, and waits for a slow reader before it writes more. */
export async function sendResponse(answer: FaceResponse, outgoing: ServerResponse, slow: SlowAnswers): Promise<void> {
  if (!(answer instanceof Response)) {
    const { status, headers, body } = answer;
    outgoing.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
    slow.watch(outgoing);
    return;
  }
  outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
  if (answer.body === null) {
    outgoing.end();
    return;
  }
  if (!answer.headers.get('content-type')?.includes('text/event-stream')) {
    outgoing.end(Buffer.from(await answer.arrayBuffer()));
    slow.watch(outgoing);
    return;
  }
  outgoing.flushHeaders();
  slow.watchStream(outgoing);
  const reader = answer.body.getReader();
  let goOn = () => {};
  outgoing.on('drain', () => goOn());
  outgoing.once('close', () => {
    goOn();
    void reader.cancel().catch(() => {});
  });
  // A stream that is cut takes its connection with it, even while a slow reader is waited for.
  reader.closed.catch(() => outgoing.destroy());
  for (;;) {
    const { done, value } = await reader.read();
    if (done || outgoing.destroyed) break;
    if (!outgoing.write(value))
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
  }
  // The connection may have gone before anybody listened for that.
  void reader.cancel().catch(() => {});
  outgoing.end();
}
