import { type Clock, type IdSource, InvalidInputError } from '@meshwork/core';
import { EventEmitter } from 'eventemitter3';
import { checkEvent, checkSize, MAX_EVENT_BYTES } from './check-event.ts';
import type { CloudEvent, NewEvent } from './cloud-event.ts';
import type { EventLog } from './event-log.ts';

/** An event that is in the log. */
export interface Published<Type extends string = string, Data = unknown> {
  readonly offset: number;
  readonly event: CloudEvent<Type, Data>;
}

/** Called with an event of this hub once it is in the log. */
export type EventListener<Type extends string = string, Data = unknown> = (published: Published<Type, Data>) => void;

/**
 * Where modules publish. `Types` says what the data of each type is: `{ 'grant.issued': { grantId: string } }`. A module that publishes declares
 * the little it needs of this itself, and never imports this package.
 */
export interface EventBus<Types extends object> {
  /**
   * Returns once the event is in the log; only then does anybody hear of it. Events are in the order of the calls.
   *
   * @throws {InvalidInputError} when it is no CloudEvent or too large; whatever the journal throws when it cannot be kept.
   */
  publish<Type extends keyof Types & string>(event: NewEvent<Type, Types[Type]>): Promise<Published<Type, Types[Type]>>;
  /** The same for several, all or none. */
  publishAll(events: readonly NewEvent<keyof Types & string>[]): Promise<readonly Published[]>;
  /** Listens in this process to what this hub publishes, from now on; `*` is every type. The function returned ends it. */
  on<Type extends (keyof Types & string) | '*'>(
    type: Type,
    listener: Type extends keyof Types & string ? EventListener<Type, Types[Type]> : EventListener,
  ): () => void;
  /**
   * Publishes what an emitter tells, as the mapping says; an event it gives `undefined` for is left out. An emitter waits for nobody: what it has
   * told is in the log a moment later, and lost if the process dies before. The function returned ends it.
   */
  forward<Events extends object>(emitter: Pick<EventEmitter<Events>, 'on' | 'off'>, mapping: EventMapping<Events>): () => void;
}

/** For each event of an emitter, what is published. */
export type EventMapping<Events extends object> = {
  readonly [Name in keyof Events]?: Events[Name] extends (payload: infer Payload) => void ? (payload: Payload) => NewEvent | undefined : never;
};

export interface EventBusOptions {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** The source of events that name none. */
  readonly source: string;
  readonly onError: (error: unknown) => void;
}

/** Most events of one `publishAll`. */
const MOST_AT_ONCE = 1_000;

export function createEventBus<Types extends object>({ log, clock, ids, source, onError }: EventBusOptions): EventBus<Types> & { settle(): Promise<void> } {
  const emitter = new EventEmitter();
  let forwarding = 0;
  let onQuiet: (() => void) | undefined;

  const complete = (event: NewEvent): CloudEvent => {
    const { data } = event;
    const time = new Date(clock.now()).toISOString();
    const json = data === undefined ? {} : { datacontenttype: 'application/json' };
    const whole = { ...json, ...withoutUndefined({ source, time, ...event }), specversion: '1.0', id: event.id ?? ids('evt') };
    const checked = checkEvent(whole);
    checkSize(checked, MAX_EVENT_BYTES);
    return checked;
  };
  const tell = (published: Published) => {
    for (const name of [published.event.type, ANY]) {
      for (const listener of emitter.listeners(name)) {
        try {
          (listener as EventListener)(published);
        } catch (error) {
          onError(error);
        }
      }
    }
  };
  const publishAll = async (events: readonly NewEvent[]) => {
    if (events.length > MOST_AT_ONCE) throw new InvalidInputError(`${events.length} events at once are too many; publish ${MOST_AT_ONCE} at a time`);
    const whole = events.map(complete);
    const offsets = await log.append(whole);
    const published = whole.map((event, index) => ({ offset: offsets[index] ?? 0, event }));
    for (const each of published) tell(each);
    return published;
  };
  const forwardOne = async (event: NewEvent) => {
    forwarding += 1;
    try {
      await publishAll([event]);
    } catch (error) {
      onError(error);
    } finally {
      forwarding -= 1;
      if (forwarding === 0) onQuiet?.();
    }
  };
  return {
    async publish(event) {
      const [published] = await publishAll([event as NewEvent]);
      return published as never;
    },
    publishAll: (events) => publishAll(events as readonly NewEvent[]),
    on(type, listener) {
      const name = type === '*' ? ANY : type;
      emitter.on(name, listener as EventListener);
      return () => void emitter.off(name, listener as EventListener);
    },
    forward(from, mapping) {
      const bare = from as unknown as Pick<EventEmitter, 'on' | 'off'>;
      const listeners = Object.entries(mapping).map(([name, show]) => {
        const listener = (payload: unknown) => {
          try {
            const event = (show as (payload: unknown) => NewEvent | undefined)(payload);
            if (event !== undefined) void forwardOne(event);
          } catch (error) {
            onError(error);
          }
        };
        bare.on(name, listener);
        return () => bare.off(name, listener);
      });
      return () => {
        for (const end of listeners) end();
      };
    },
    async settle() {
      if (forwarding > 0)
        await new Promise<void>((resolve) => {
          onQuiet = resolve;
        });
    },
  };
}

/** No type is this: listeners to every type. */
const ANY = Symbol('any type');

function withoutUndefined(event: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined));
}
