import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { DoorRecorder } from '../door-recorder.ts';
import { errorAnswer } from './plain-http.ts';
import { codeOf, recordRefusal, UNRECORDED } from './refusals.ts';

export interface GarbledRequestsOptions {
  readonly recorder?: DoorRecorder | undefined;
  readonly onError: (error: unknown) => void;
}

/** What Node's parser says of bytes that are no request, and how long the answer may take to be read. */
type ParserError = Error & { readonly code?: string };
const READ_MS = 1_000;

/** Answers bytes that Node's parser refused, to be called with its `clientError` events: they leave a record as other refusals do. */
export function answerGarbled({ recorder, onError }: GarbledRequestsOptions): (error: ParserError, socket: Duplex) => void {
  return (error, socket) => {
    const answering = answeringOn(socket);
    // Whoever has gone hears nothing, and what is wrong in the body of a request ends that request, whose refusal is recorded with it.
    if (error.code === 'ECONNRESET' || !socket.writable || answering?.req.complete === false) return void socket.destroy();
    const [status, reason] = whatOf(error);
    const { remoteAddress: address } = socket as { remoteAddress?: string };
    socket.on('error', () => {});
    const refusal = { ...(address !== undefined && { address }), status, code: codeOf(status), reason };
    void recordRefusal(recorder, refusal, onError).then((isKept) => {
      // Behind a request that is being answered there is no place for another answer.
      if (answering !== undefined) return void socket.destroy();
      const { headers, body, status: told } = isKept ? errorAnswer(status, -31000 - status, reason) : errorAnswer(503, -31503, UNRECORDED);
      const lines = Object.entries({ ...headers, 'content-length': Buffer.byteLength(body), connection: 'close' }).map(
        ([name, value]) => `${name}: ${value}\r\n`,
      );
      socket.end(`HTTP/1.1 ${told} ${STATUS_CODES[told] ?? ''}\r\n${lines.join('')}\r\n${body}`);
      setTimeout(() => socket.destroy(), READ_MS).unref();
    });
  };
}

function whatOf({ code }: ParserError): readonly [status: number, reason: string] {
  if (code === 'HPE_HEADER_OVERFLOW') return [431, 'the head of the request is too large'];
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return [408, 'the request took too long to come'];
  return [400, 'these bytes are no HTTP/1.1 request'];
}

/** The response that is being written on a connection: Node keeps it there. */
function answeringOn(socket: Duplex): ServerResponse | undefined {
  return (socket as { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}
