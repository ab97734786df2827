import { EventEmitter } from 'eventemitter3';

/** What a module's listeners hold on to: events to listen to, and no way to tell any. */
export type Listenable<Events extends object> = Pick<EventEmitter<Events>, 'on' | 'off' | 'once'>;

/** Tells what happens, for whoever listens. */
export interface Teller<Events extends object> {
  readonly events: Listenable<Events>;
  /** Never throws: a listener that does neither disturbs the work that is told of nor keeps the next one from hearing. */
  tell<Name extends keyof Events>(name: Name, event: PayloadOf<Events[Name]>): void;
  /** Nobody hears any more. */
  close(): void;
}

/** What a listener of an event is called with. */
export type PayloadOf<Listener> = Listener extends (event: infer Payload) => void ? Payload : never;

/**
 * An emitter of a module's own. `Events` has a listener's type for each name: `{ 'lease-granted': (event: { leaseId: string }) => void }`.
 * `onError` gets what listeners throw; default: it is dropped.
 */
export function createTeller<Events extends object>(onError: (error: unknown) => void = () => {}): Teller<Events> {
  const emitter = new EventEmitter();
  return {
    events: emitter as unknown as Listenable<Events>,
    tell(name, event) {
      const bare = name as string;
      if (emitter.listenerCount(bare) === 0) return;
      for (const listener of emitter.listeners(bare)) {
        // Called by hand, so that one listener's throw does not keep the next from hearing; one that listens once is taken off by hand too.
        emitter.off(bare, listener, undefined, true);
        try {
          listener(event);
        } catch (error) {
          onError(error);
        }
      }
    },
    close: () => void emitter.removeAllListeners(),
  };
}
