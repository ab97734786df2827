/** What happened in a simulation, as lines and as counts. */
export interface Chronicle {
  /** Notes a line of the trace. */
  note(who: string, what: string): void;
  /** Counts an event of this kind, and notes it. */
  count(event: CountedEvent, who: string, what?: string): void;
  readonly counters: Readonly<Record<CountedEvent, number>>;
  readonly lines: readonly string[];
}

const countedEvents = [
  'sent',
  'delivered',
  'dropped',
  'duplicated',
  'reordered',
  'cut',
  'addressee-down',
  'crash',
  'start',
  'failed-start',
  'leave',
  'disk-failed',
  'disk-slowed',
  'disk-unknown',
  'unsynced-lost',
  'disk-restored',
  'clock-jump',
  'clock-drift',
] as const;

/** What a simulation counts. */
export type CountedEvent = (typeof countedEvents)[number];

/** Lines kept when nobody asked for all: enough to see how it came to the end. */
const LAST_LINES = 200;

export function createChronicle({ now, all }: { readonly now: () => number; readonly all: boolean }): Chronicle {
  const counters = Object.fromEntries(countedEvents.map((event) => [event, 0])) as Record<CountedEvent, number>;
  const lines: string[] = [];
  const note = (who: string, what: string) => {
    lines.push(`${now().toFixed(3)} ${who} ${what}`);
    if (!all && lines.length > 2 * LAST_LINES) lines.splice(0, lines.length - LAST_LINES);
  };
  return {
    note,
    count(event, who, what = '') {
      counters[event] += 1;
      note(who, what === '' ? event : `${event} ${what}`);
    },
    counters,
    lines,
  };
}
