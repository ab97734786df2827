import { ProtocolError, type RequestId } from '@modelcontextprotocol/server';

/** Resources, lists and tasks that one subscription, connection or session may watch. */
export const MAX_WATCHED = 1_000;

/** And all the streams of one principal over HTTP, where every event is held against every wish. */
const MAX_WATCHED_OVER_HTTP = 10_000;

/** Characters in the URI of a resource that is watched. */
export const MAX_URI_LENGTH = 4_096;

/** What a `subscriptions/listen` request asks to watch. */
export interface Watched {
  readonly id: RequestId | null;
  readonly things: number;
  readonly longestUri: number;
}

/** Reads it off a message; `undefined` for every other one. What is malformed counts as nothing, and is refused by the SDK. */
export function watchedIn(message: unknown): Watched | undefined {
  const { id, method, params } = (message ?? {}) as {
    id?: RequestId;
    method?: unknown;
    params?: { notifications?: { resourceSubscriptions?: unknown; taskIds?: unknown } };
  };
  if (method !== 'subscriptions/listen') return undefined;
  const uris = listOf(params?.notifications?.resourceSubscriptions);
  let longestUri = 0;
  for (const uri of uris) if (typeof uri === 'string' && uri.length > longestUri) longestUri = uri.length;
  return { id: id ?? null, things: uris.length + listOf(params?.notifications?.taskIds).length, longestUri };
}

/** The refusal of a wish to watch too much. */
export function tooMuchWatched(maxWatched: number): ProtocolError {
  return new ProtocolError(-31429, refusal(maxWatched), { code: 'LIMITED' });
}

export interface Listeners {
  /** Counts one more stream of a principal; returns the way to take it back, or why there may not be one. */
  admit(principal: string, watched: Watched): (() => void) | string;
}

/** The open `subscriptions/listen` streams of each principal over HTTP. */
export function createListeners({ maxStreams }: { readonly maxStreams: number }): Listeners {
  const open = new Map<string, { streams: number; things: number }>();
  return {
    admit(principal, { things, longestUri }) {
      const own = open.get(principal) ?? { streams: 0, things: 0 };
      if (own.streams >= maxStreams) return `you have ${maxStreams} streams open already; end one first`;
      if (things > MAX_WATCHED || longestUri > MAX_URI_LENGTH) return refusal(MAX_WATCHED);
      if (own.things + things > MAX_WATCHED_OVER_HTTP) return `you watch ${own.things} things already, and may watch ${MAX_WATCHED_OVER_HTTP}`;
      own.streams += 1;
      own.things += things;
      open.set(principal, own);
      return () => {
        own.streams -= 1;
        own.things -= things;
        if (own.streams === 0) open.delete(principal);
      };
    },
  };
}

function refusal(maxWatched: number): string {
  return `one connection may watch ${maxWatched} things, whose URIs have at most ${MAX_URI_LENGTH} characters; end a subscription first`;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
