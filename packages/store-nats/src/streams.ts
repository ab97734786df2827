import { NotFoundError, StoreFormatError, UnavailableError } from '@meshwork/core';
import { ApiError, callApi } from './api.ts';
import type { Link } from './link.ts';

/** The three streams of a store: the changes of its keys, the records of its journals, and what it notes for itself. */
export interface Streams {
  readonly keys: string;
  readonly journal: string;
  readonly notes: string;
  /** The streams have one replica, so that any answer is the leader's. */
  readonly single: boolean;
}

export interface StreamInfo {
  readonly config: { readonly description?: string; readonly num_replicas: number; readonly subjects?: readonly string[] };
  readonly state: { readonly first_seq: number; readonly last_seq: number; readonly num_subjects?: number };
}

/** How long servers know a message's name: longer than one can be on its way. */
const DUPLICATES_NS = 30_000_000_000;
const FORMAT = 'meshwork store, format 1';
const NAME_IN_USE = 10_058;
const NOT_FOUND = 10_059;
const SUBJECTS_OVERLAP = 10_065;

/**
 * Makes the streams that are missing, whoever opens the store at the same time; without `replicas`, none. Those that are there stay as they are, with the replicas they have.
 *
 * @throws {NotFoundError} when one is missing and none is to be made, {@link StoreFormatError} when one is not Meshwork's, {@link UnavailableError} when JetStream cannot make them.
 */
export async function openStreams(link: Link, name: string, replicas: number | undefined): Promise<Streams> {
  const streams = { keys: `${name}_keys`, journal: `${name}_journal`, notes: `${name}_notes` };
  const infos = [
    await openStream(link, streams.keys, `${name}.keys.>`, replicas, {}),
    await openStream(link, streams.journal, `${name}.journal.>`, replicas, {}),
    await openStream(link, streams.notes, `${name}.notes.>`, replicas, { max_msgs_per_subject: 1 }),
  ];
  return { ...streams, single: infos.every(({ config }) => config.num_replicas === 1) };
}

/** @throws {UnavailableError} */
export async function infoOf(link: Link, stream: string): Promise<StreamInfo> {
  try {
    return await callApi<StreamInfo>(link, `STREAM.INFO.${stream}`);
  } catch (cause) {
    if (cause instanceof ApiError) throw new UnavailableError(`the stream ${stream} cannot be read: ${cause.message}; retry later`, { cause });
    throw cause;
  }
}

async function openStream(link: Link, name: string, subject: string, replicas: number | undefined, extra: object): Promise<StreamInfo> {
  const config = {
    name,
    subjects: [subject],
    description: FORMAT,
    retention: 'limits',
    storage: 'file',
    num_replicas: replicas,
    allow_direct: replicas === 1,
    duplicate_window: DUPLICATES_NS,
    ...extra,
  };
  const info = await callApi<StreamInfo>(link, `STREAM.INFO.${name}`).catch((cause) => {
    if (cause instanceof ApiError && cause.code === NOT_FOUND) return undefined;
    throw toOpenError(name, cause);
  });
  if (info === undefined) {
    if (replicas === undefined) throw new NotFoundError(`there is no stream ${name} yet; a hub makes it when it starts`);
    try {
      return await callApi<StreamInfo>(link, `STREAM.CREATE.${name}`, config);
    } catch (cause) {
      if (cause instanceof ApiError && cause.code === NAME_IN_USE) return openStream(link, name, subject, replicas, extra);
      throw toOpenError(name, cause);
    }
  }
  if (info.config.description !== FORMAT || info.config.subjects?.join() !== subject)
    throw new StoreFormatError(`the stream ${name} is not one of this version of meshwork; choose another name, or update meshwork`);
  return info;
}

function toOpenError(name: string, cause: unknown): unknown {
  if (!(cause instanceof ApiError)) return cause;
  if (cause.code === SUBJECTS_OVERLAP)
    return new StoreFormatError(`the subjects of the stream ${name} belong to another stream; choose another name`, { cause });
  return new UnavailableError(`JetStream cannot make the stream ${name}: ${cause.message}; check the account's limits and the size of the cluster`, { cause });
}
