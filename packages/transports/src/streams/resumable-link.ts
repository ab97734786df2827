/** Control messages of a resumable connection; they are not counted as frames (docs/decisions/0009-resumable-websocket.md). */
export const SESSION_METHOD = 'notifications/meshwork/session';
const ACK_METHOD = 'notifications/meshwork/ack';

/** The socket that a link writes on for now. */
export interface LinkPort {
  send(text: string): void;
}

export interface ResumableLinkOptions {
  /** Frames, and their characters, that are kept until the other side has acknowledged them. */
  readonly maxKeptFrames: number;
  readonly maxKeptCharacters: number;
  /** An acknowledgement is sent after so many frames, or so many milliseconds after the first of them. Default 64 and 50. */
  readonly ackEvery?: number;
  readonly ackAfterMs?: number;
  /** Calls `work` once after so many milliseconds; returns the way to call it off. */
  readonly schedule?: (work: () => void, ms: number) => () => void;
}

/** What became of a frame that came in. */
type Taken = 'message' | 'control' | 'violation';

/**
 * One side of a connection that outlives its sockets; both sides are alike. Each counts the frames it has received and keeps those it has
 * sent until the other side acknowledges them. A new socket goes on after the last frame that arrived: nothing is lost, nothing comes
 * twice, and the order stays.
 */
export interface ResumableLink {
  /** Frames received from the other side, over all sockets. */
  readonly received: number;
  /** Frames kept because the other side has not acknowledged them. */
  readonly kept: number;
  /** Keeps a frame and sends it when there is a socket. False when the other side is too far behind: the connection cannot be kept up. */
  post(text: string): boolean;
  /** Takes what came in on the present socket, parsed. `undefined` stands for a frame that is no JSON; it counts too. */
  take(message: unknown): Taken;
  /** Goes on with a new socket, on which the other side says how many frames it has received. False when that cannot be. */
  attach(port: LinkPort, peerReceived: number): boolean;
  detach(): void;
  /** Acknowledges even when there is nothing new, so that the other side hears that this one is there. */
  beat(): void;
}

export function createResumableLink(options: ResumableLinkOptions): ResumableLink {
  const { maxKeptFrames, maxKeptCharacters, ackEvery = 64, ackAfterMs = 50, schedule = scheduleTimeout } = options;
  let kept: string[] = [];
  let keptFrom = 0; // Index in `kept` of the first frame that is not acknowledged.
  let characters = 0;
  let acknowledged = 0;
  let received = 0;
  let told = 0;
  let port: LinkPort | undefined;
  let callOff: (() => void) | undefined;

  const count = () => kept.length - keptFrom;
  const beat = () => {
    callOff?.();
    callOff = undefined;
    if (port === undefined) return;
    told = received;
    port.send(`{"jsonrpc":"2.0","method":"${ACK_METHOD}","params":{"received":${received}}}`);
  };
  const forget = (peerReceived: unknown): boolean => {
    if (!Number.isSafeInteger(peerReceived) || (peerReceived as number) > acknowledged + count() || (peerReceived as number) < 0) return false;
    for (; acknowledged < (peerReceived as number); acknowledged++, keptFrom++) characters -= (kept[keptFrom] as string).length;
    if (keptFrom > 1_024 && keptFrom * 2 > kept.length) {
      kept = kept.slice(keptFrom);
      keptFrom = 0;
    }
    return true;
  };

  return {
    get received() {
      return received;
    },
    get kept() {
      return count();
    },
    post(text) {
      // One frame may be as large as it likes; many may not.
      if (count() >= maxKeptFrames || characters > maxKeptCharacters) return false;
      kept.push(text);
      characters += text.length;
      port?.send(text);
      return true;
    },
    take(message) {
      if (isControl(message, ACK_METHOD)) return forget(message.params?.received) ? 'control' : 'violation';
      received++;
      if (received - told >= ackEvery) beat();
      else callOff ??= schedule(beat, ackAfterMs);
      return 'message';
    },
    attach(next, peerReceived) {
      if (peerReceived < acknowledged || !forget(peerReceived)) return false;
      port = next;
      told = received;
      for (let at = keptFrom; at < kept.length && port === next; at++) next.send(kept[at] as string);
      return true;
    },
    detach() {
      port = undefined;
      callOff?.();
      callOff = undefined;
    },
    beat,
  };
}

/** True for a control message of that method. */
export function isControl(message: unknown, method: string): message is { readonly params?: Readonly<Record<string, unknown>> } {
  return typeof message === 'object' && message !== null && 'method' in message && message.method === method && !('id' in message);
}

function scheduleTimeout(work: () => void, ms: number): () => void {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
}
