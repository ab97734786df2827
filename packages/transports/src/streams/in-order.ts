/** As much of a transport as keeping order needs; those of both lines of the SDK have it. */
export interface OrderedTransport {
  // biome-ignore lint/suspicious/noExplicitAny: the two lines type messages differently; nothing of them is read here but whether they have an id.
  onmessage?: ((message: any, extra?: any) => void) | undefined;
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
}

/** How many turns of the microtask queue a client takes, at most, between hearing of a notification and having handled it. */
const TURNS = 3;

/**
 * Makes a client's transport deliver in order. A client of the SDK handles a notification a little later than it hears of it, but an answer
 * at once, and with the answer it forgets who wanted the progress: progress that arrives in one piece with its answer is lost
 * (typescript-sdk issue 2580). Here an answer, and the end of the connection, wait until the notifications before them are handled.
 *
 * The transport itself is changed and returned, so that it stays an instance of its class.
 *
 * @example
 * ```ts
 * await client.connect(inOrder(new StdioClientTransport({ command: 'meshwork', args: ['up', '--stdio'] })));
 * ```
 */
export function inOrder<T extends OrderedTransport>(transport: T): T {
  const queue: Delivery[] = [];
  let busy = false;
  const drain = async () => {
    busy = true;
    for (let at = 0; at < queue.length; at++) {
      const { work, isNotification } = queue[at] as Delivery;
      try {
        work();
      } catch (error) {
        transport.onerror?.(error instanceof Error ? error : new Error(String(error)));
      }
      if (isNotification && queue[at + 1]?.isNotification !== true) for (let turn = 0; turn < TURNS; turn++) await undefined;
    }
    queue.length = 0;
    busy = false;
  };
  const deliver = (work: () => void, isNotification: boolean) => {
    queue.push({ work, isNotification });
    if (!busy) void drain();
  };

  replaceSetter(transport, 'onmessage', (handler) => (message, extra) => deliver(() => handler(message, extra), message?.id === undefined));
  replaceSetter(transport, 'onclose', (handler) => () => deliver(handler, false));
  return transport;
}

interface Delivery {
  readonly work: () => void;
  readonly isNotification: boolean;
}

/** Whoever reads the handler gets one that queues, and whoever sets it back what was set before: clients of the SDK do both. */
function replaceSetter<T extends OrderedTransport, Name extends 'onmessage' | 'onclose'>(
  transport: T,
  name: Name,
  queued: (handler: NonNullable<OrderedTransport[Name]>) => NonNullable<OrderedTransport[Name]>,
): void {
  type Handler = OrderedTransport[Name];
  const originals = new WeakMap<NonNullable<Handler>, Handler>();
  const wrap = (handler: Handler): Handler => {
    if (handler === undefined) return undefined;
    const wrapped = queued(originals.get(handler) ?? handler);
    originals.set(wrapped, originals.get(handler) ?? handler);
    return wrapped;
  };
  let current = wrap(transport[name]);
  Object.defineProperty(transport, name, {
    configurable: true,
    enumerable: true,
    get: () => current,
    set: (handler: Handler) => {
      current = wrap(handler);
    },
  });
}
