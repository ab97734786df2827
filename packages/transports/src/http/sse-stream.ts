export interface SseStreamOptions {
  /** Bytes that may wait for the reader. One event more than that, and the stream is cut. */
  readonly maxQueuedBytes: number;
  /** Called once, when the reader has gone, was cut or the stream was closed. */
  readonly onEnd: () => void;
}

/** A stream of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) that a slow reader cannot make grow. */
export interface SseStream {
  readonly body: ReadableStream<Uint8Array>;
  /** Sends an event; false when the stream has ended, or ends now because its reader is too slow. `data` has no line ends. */
  send(event: string, data: string): boolean;
  /** Sends a comment, which no reader sees, so that nothing on the way takes the stream for dead. */
  beat(): boolean;
  close(): void;
}

export function createSseStream({ maxQueuedBytes, onEnd }: SseStreamOptions): SseStream {
  const encoder = new TextEncoder();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const end = (how: (open: ReadableStreamDefaultController<Uint8Array>) => void) => {
    const open = controller;
    if (open === undefined) return;
    controller = undefined;
    how(open);
    onEnd();
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start(made) {
        controller = made;
      },
      cancel: () => end(() => {}),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: maxQueuedBytes }),
  );
  const write = (text: string): boolean => {
    if (controller === undefined) return false;
    if ((controller.desiredSize ?? 0) <= 0) {
      // The queue is thrown away with the stream: memory is bounded by the queue and one event.
      end((open) => open.error(new Error(`the reader of a stream let more than ${maxQueuedBytes} bytes wait`)));
      return false;
    }
    controller.enqueue(encoder.encode(text));
    return true;
  };
  return {
    body,
    send: (event, data) => write(`event: ${event}\ndata: ${data}\n\n`),
    beat: () => write(': still here\n\n'),
    close: () => end((open) => open.close()),
  };
}
