/** Where a hub listens. */
export interface Places {
  readonly http: string;
  readonly webSocket: string;
  /** The path of the Unix socket. */
  readonly socket: string;
}

/** What a hub's process uses, after a collection; in bytes. */
export interface Usage {
  readonly heapUsed: number;
  readonly external: number;
  readonly arrayBuffers: number;
  readonly rss: number;
  /** The most it ever had resident. */
  readonly peak: number;
  /** Sockets, pipes and servers that are open. */
  readonly handles: number;
}

export type ToHub = { readonly type: 'usage' | 'watch' | 'most' | 'close' } | { readonly type: 'publish'; readonly times: number; readonly uri: string };

export type FromHub =
  | { readonly type: 'ready'; readonly places: Places }
  | { readonly type: 'usage'; readonly usage: Usage }
  | { readonly type: 'most'; readonly bytes: number }
  | { readonly type: 'done' };
