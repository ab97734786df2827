export interface BoundStreamOptions {
  /** Bytes that may wait for the reader. One chunk more than that, and the stream is cut. */
  readonly maxQueuedBytes: number;
  /** Called once, when the stream has ended, its reader has gone or was cut. */
  readonly onEnd?: (how: 'ended' | 'cut') => void;
  /** Is given the way to end the stream from outside, with last words for its reader where there are any. */
  readonly ending?: (end: (lastWords?: Uint8Array) => void) => void;
}

/**
 * The same stream, read ahead: whoever fills the source does not look at how much waits, so it is moved at once to where it is counted. A
 * reader who lets too much wait is cut, and what waited is thrown away.
 */
function boundStream(source: ReadableStream<Uint8Array>, { maxQueuedBytes, onEnd, ending }: BoundStreamOptions): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  let isOpen = true;
  const end = (how: 'ended' | 'cut') => {
    if (!isOpen) return;
    isOpen = false;
    onEnd?.(how);
  };
  const pass = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    for (;;) {
      const { done, value } = await reader.read();
      if (!isOpen) return;
      if (done) {
        end('ended');
        return controller.close();
      }
      if ((controller.desiredSize ?? 0) <= 0) {
        end('cut');
        controller.error(new Error(`the reader of a stream let more than ${maxQueuedBytes} bytes wait`));
        return reader.cancel();
      }
      controller.enqueue(value);
    }
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        ending?.((lastWords) => {
          if (!isOpen) return;
          if (lastWords !== undefined) controller.enqueue(lastWords);
          end('ended');
          controller.close();
          void reader.cancel().catch(() => {});
        });
        void pass(controller).catch((error) => {
          if (!isOpen) return;
          end('ended');
          controller.error(error);
        });
      },
      cancel(reason) {
        end('ended');
        return reader.cancel(reason);
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: maxQueuedBytes }),
  );
}

/** An answer whose body is bounded when it is a stream of events; every other answer as it is, with `onEnd` called at once. */
export function boundEvents(response: Response, options: BoundStreamOptions): Response {
  if (response.body === null || !response.headers.get('content-type')?.startsWith('text/event-stream')) {
    options.onEnd?.('ended');
    return response;
  }
  return new Response(boundStream(response.body, options), { status: response.status, headers: response.headers });
}
