import type { NumberedRecord } from './search.ts';

/** How often something was called, and how that ended. */
export interface Tally {
  readonly calls: number;
  /** Denied by a policy, or refused at the door. */
  readonly refused: number;
  /** Failed, or were not understood. */
  readonly failed: number;
}

export interface Row extends Tally {
  readonly key: string;
}

/** One refusal, short. */
export interface RefusalLine {
  readonly seq: number;
  readonly time: string;
  readonly principal: string;
  readonly zone: string;
  readonly name: string;
  readonly code: string;
  readonly policies: readonly string[];
}

/** A heading of a catalogue of controls or risks, and what in the log speaks to it. */
export interface Evidence {
  readonly framework: string;
  readonly id: string;
  readonly title: string;
  readonly what: string;
  readonly count: number;
  /** The places of some of the records. */
  readonly samples: readonly number[];
}

export type Breakdown = 'tool' | 'principal' | 'zone' | 'hour' | 'outcome' | 'code';

/** Who did what in a span of time. It supports evidence for the headings it names, and claims no compliance with them. */
export interface AuditReport {
  readonly stream: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly made: string;
  readonly records: number;
  readonly first: string | undefined;
  readonly last: string | undefined;
  readonly total: Tally;
  readonly by: Readonly<Record<Breakdown, readonly Row[]>>;
  /** The newest ones. */
  readonly refusals: readonly RefusalLine[];
  readonly evidence: readonly Evidence[];
  readonly chain: {
    readonly ok: boolean;
    readonly records: number;
    readonly head: { readonly size: number; readonly hash: string };
    readonly problem?: string;
  };
}

const MAX_KEYS = 5_000;
const MAX_ROWS = 200;
const MAX_REFUSALS = 100;
const MAX_SAMPLES = 5;
/** Stands for keys beyond those that are counted singly. */
const OTHERS = '(others)';

type Mutable = { -readonly [Field in keyof Tally]: Tally[Field] };
type Facts = Omit<AuditReport, 'records' | 'first' | 'last' | 'total' | 'by' | 'refusals' | 'evidence'>;

/** Goes through records once, in memory that does not grow with their number. */
export async function makeReport(records: AsyncIterable<NumberedRecord>, facts: Facts): Promise<AuditReport> {
  const total: Mutable = { calls: 0, refused: 0, failed: 0 };
  const tables = Object.fromEntries(breakdowns.map(([name]) => [name, new Map<string, Mutable>()])) as Record<Breakdown, Map<string, Mutable>>;
  const found = headings.map((heading) => ({ heading, count: 0, samples: [] as number[] }));
  const refusals: RefusalLine[] = [];
  let count = 0;
  let first: string | undefined;
  let last: string | undefined;
  for await (const record of records) {
    count += 1;
    first ??= record.time;
    last = record.time;
    const isRefused = refused(record);
    const weight = record.count ?? 1;
    const add = (tally: Mutable) => {
      tally.calls += weight;
      if (isRefused) tally.refused += weight;
      else if (record.outcome === 'failed' || record.outcome === 'invalid' || record.outcome === 'unknown-name') tally.failed += weight;
    };
    add(total);
    for (const [name, read] of breakdowns) add(rowIn(tables[name], read(record)));
    if (isRefused) {
      if (refusals.length === MAX_REFUSALS) refusals.shift();
      refusals.push(refusalOf(record));
    }
    for (const each of found) {
      if (!each.heading.holds(record)) continue;
      each.count += weight;
      if (each.samples.length < MAX_SAMPLES) each.samples.push(record.seq);
    }
  }
  const by = Object.fromEntries(breakdowns.map(([name]) => [name, rowsOf(tables[name], name)])) as Record<Breakdown, Row[]>;
  const evidence = found.map(({ heading: { holds: _holds, ...heading }, count: each, samples }) => ({ ...heading, count: each, samples }));
  return { ...facts, records: count, first, last, total, by, refusals: refusals.reverse(), evidence };
}

const breakdowns: readonly (readonly [Breakdown, (record: NumberedRecord) => string])[] = [
  ['tool', ({ kind, name }) => (kind === 'door' ? `door ${name}` : name)],
  ['principal', ({ principal }) => principal.id],
  ['zone', ({ principal }) => principal.zone],
  ['hour', ({ time }) => `${time.slice(0, 13)}:00Z`],
  ['outcome', ({ outcome }) => outcome],
  ['code', ({ code }) => code ?? '(none)'],
];

function rowIn(table: Map<string, Mutable>, key: string): Mutable {
  const name = table.has(key) || table.size < MAX_KEYS ? key : OTHERS;
  const present = table.get(name);
  if (present !== undefined) return present;
  const made = { calls: 0, refused: 0, failed: 0 };
  table.set(name, made);
  return made;
}

/** The busiest first; hours as they came. What there is no room for is summed up. */
function rowsOf(table: ReadonlyMap<string, Tally>, name: Breakdown): Row[] {
  const rows = [...table].map(([key, tally]) => ({ key, ...tally }));
  if (name === 'hour') rows.sort((a, b) => (a.key < b.key ? -1 : 1));
  else rows.sort((a, b) => b.calls - a.calls || (a.key < b.key ? -1 : 1));
  const kept = name === 'hour' ? rows.slice(-MAX_ROWS) : rows.slice(0, MAX_ROWS);
  const rest = name === 'hour' ? rows.slice(0, -MAX_ROWS) : rows.slice(MAX_ROWS);
  if (rest.length === 0) return kept;
  const sum = (field: keyof Tally) => rest.reduce((all, row) => all + row[field], 0);
  return [...kept, { key: OTHERS, calls: sum('calls'), refused: sum('refused'), failed: sum('failed') }];
}

function refusalOf({ seq, time, principal, name, code, outcome, decisions }: NumberedRecord): RefusalLine {
  return { seq, time, principal: principal.id, zone: principal.zone, name, code: code ?? outcome, policies: decisions.flatMap(({ policies }) => policies) };
}

function refused({ outcome, kind }: NumberedRecord): boolean {
  return outcome === 'denied' || kind === 'door';
}

interface Heading extends Omit<Evidence, 'count' | 'samples'> {
  readonly holds: (record: NumberedRecord) => boolean;
}

const isDenied = ({ outcome, kind }: NumberedRecord) => outcome === 'denied' && kind !== 'door';
const isAnonymous = (record: NumberedRecord) => record.code === 'UNAUTHENTICATED' || record.status === 401;
const isLimited = (record: NumberedRecord) => record.code === 'LIMITED' || record.status === 429;
const isExternal = ({ principal }: NumberedRecord) => principal.zone === 'external';

/** OWASP MCP Top 10 (2025, beta), OWASP Top 10 for LLM applications (2025), and the common criteria of SOC 2 (TSC 2017, points of focus 2022). */
const headings: readonly Heading[] = [
  {
    framework: 'OWASP MCP',
    id: 'MCP01',
    title: 'Token mismanagement and secret exposure',
    what: 'requests with a key or token that opened nothing',
    holds: isAnonymous,
  },
  {
    framework: 'OWASP MCP',
    id: 'MCP02',
    title: 'Privilege escalation via scope creep',
    what: 'calls a policy denied',
    holds: isDenied,
  },
  {
    framework: 'OWASP MCP',
    id: 'MCP07',
    title: 'Insufficient authentication and authorization',
    what: 'calls and requests that were refused',
    holds: refused,
  },
  { framework: 'OWASP MCP', id: 'MCP08', title: 'Lack of audit and telemetry', what: 'records in the chain', holds: () => true },
  {
    framework: 'OWASP LLM',
    id: 'LLM06',
    title: 'Excessive agency',
    what: 'calls to tools a policy denied',
    holds: ({ outcome, kind }) => outcome === 'denied' && kind === 'tool',
  },
  { framework: 'OWASP LLM', id: 'LLM10', title: 'Unbounded consumption', what: 'calls and requests over a limit', holds: isLimited },
  {
    framework: 'SOC 2',
    id: 'CC6.1',
    title: 'Logical access security',
    what: 'decisions of a policy that allowed a call',
    holds: ({ outcome, decisions }) => outcome !== 'denied' && decisions.length > 0,
  },
  {
    framework: 'SOC 2',
    id: 'CC6.2',
    title: 'Registration and removal of users',
    what: 'calls that add, change or remove agents and keys',
    holds: ({ name, outcome, kind }) => outcome === 'ok' && kind === 'tool' && /(agent|key|session)/.test(name) && !/list/.test(name),
  },
  {
    framework: 'SOC 2',
    id: 'CC6.3',
    title: 'Authorization by role and least privilege',
    what: 'calls a policy denied',
    holds: isDenied,
  },
  {
    framework: 'SOC 2',
    id: 'CC6.6',
    title: 'Boundaries to the outside',
    what: 'refusals of callers from outside',
    holds: (record) => refused(record) && (isExternal(record) || record.kind === 'door'),
  },
  {
    framework: 'SOC 2',
    id: 'CC7.2',
    title: 'Monitoring for anomalies',
    what: 'failed calls, and requests over a limit',
    holds: (record) => record.outcome === 'failed' || isLimited(record),
  },
  { framework: 'SOC 2', id: 'CC7.3', title: 'Evaluation of security events', what: 'floods that were summed up', holds: ({ count }) => count !== undefined },
];
