import { UnavailableError } from '@meshwork/core';
import type { Msg } from '@nats-io/transport-node';
import { ask } from './ask.ts';
import type { Link } from './link.ts';

/** The header that carries what Meshwork knows of a message; its fields are parted by blanks, and the first is the write's id. */
export const HEADER = 'Meshwork';
/** Of a message that was moved to the stream's end: the sequence it was first stored at. */
export const REVISION_HEADER = 'Meshwork-Revision';

/** A message of a stream. */
export interface Message {
  readonly subject: string;
  readonly sequence: number;
  /** The sequence it was first stored at; another than its own when it was moved since. */
  readonly revision: number;
  /** The fields of the header. */
  readonly fields: readonly string[];
  readonly data: Uint8Array;
  /** When the server stored it, in milliseconds since the Unix epoch. */
  readonly time: number;
}

/** Reads single messages, as the stream's leader has them. */
export interface Messages {
  /** The last message of a subject. @throws {UnavailableError} */
  last(subject: string): Promise<Message | undefined>;
  /** The first message of a subject from a sequence on. @throws {UnavailableError} */
  next(subject: string, sequence: number): Promise<Message | undefined>;
}

/** `direct`: the stream has one replica, which may answer at once; of several a follower would answer, and may be behind. */
export function createMessages(link: Link, stream: string, direct: boolean): Messages {
  const read = (subject: string, payload: string) => ask(link, subject, payload);
  const readStored = async (question: object) => fromStored(await read(`$JS.API.STREAM.MSG.GET.${stream}`, JSON.stringify(question)));
  return direct
    ? {
        last: async (subject) => fromDirect(await read(`$JS.API.DIRECT.GET.${stream}.${subject}`, '')),
        next: async (subject, seq) => fromDirect(await read(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify({ seq, next_by_subj: subject }))),
      }
    : {
        last: (subject) => readStored({ last_by_subj: subject }),
        next: (subject, seq) => readStored({ seq, next_by_subj: subject }),
      };
}

const NOT_FOUND = 404;

function fromDirect({ headers, data }: Msg): Message | undefined {
  if (headers === undefined || headers.code === NOT_FOUND) return undefined;
  if (headers.code !== 0) throw new UnavailableError(`NATS cannot read: ${headers.description}; retry later`);
  const sequence = Number(headers.get('Nats-Sequence'));
  return {
    subject: headers.get('Nats-Subject'),
    sequence,
    revision: Number(headers.get(REVISION_HEADER)) || sequence,
    fields: headers.get(HEADER).split(' '),
    data,
    time: Date.parse(headers.get('Nats-Time-Stamp')),
  };
}

interface StoredAnswer {
  readonly error?: { readonly code: number; readonly description: string };
  readonly message?: { readonly subject: string; readonly seq: number; readonly hdrs?: string; readonly data?: string; readonly time: string };
}

function fromStored(answer: Msg): Message | undefined {
  const { error, message } = answer.json<StoredAnswer>();
  if (error?.code === NOT_FOUND) return undefined;
  if (message === undefined) throw new UnavailableError(`NATS cannot read: ${error?.description ?? 'no message'}; retry later`);
  const text = Buffer.from(message.hdrs ?? '', 'base64').toString();
  const fields = text.match(/^Meshwork: *(.*)\r$/m)?.[1]?.split(' ') ?? [];
  const revision = Number(text.match(/^Meshwork-Revision: *(.*)\r$/m)?.[1] ?? message.seq);
  return { subject: message.subject, sequence: message.seq, revision, fields, data: Buffer.from(message.data ?? '', 'base64'), time: Date.parse(message.time) };
}
