import { type Journal, UnavailableError } from '@meshwork/core';
import { GENESIS, linkIn } from './chain.ts';
import type { SignedCheckpoint } from './checkpoint.ts';
import { escapeSteering } from './export-lines.ts';
import { firstOffset } from './verify-chain.ts';

/** The first line of a chain file: where it begins. */
export interface ChainHeader {
  readonly meshwork_audit: 1;
  readonly stream: string;
  /** How many records the log had before the first of the file, and the hash of the last of them. */
  readonly after: number;
  readonly hash: string;
  /** The signed checkpoint that says that the log was trimmed up to there. */
  readonly anchor?: string;
  /** The signed changes of its key. */
  readonly rotations?: readonly string[];
}

/** Its last line: without it, the file was not written to its end. */
export interface ChainTrailer {
  readonly meshwork_audit: 1;
  /** Not the last member: that is how a record's line ends. */
  readonly hash: string;
  readonly end: number;
}

export interface ChainPage {
  readonly text: string;
  readonly count: number;
  /** `after` of the next page; absent: this was the last. */
  readonly nextAfter?: number;
}

/** What a header says beside where the log begins: asked for when that is known. */
export interface ChainNotes {
  readonly anchors: readonly SignedCheckpoint[];
  readonly rotations: readonly SignedCheckpoint[];
}

/**
 * A log as lines anybody can check without the hub, oldest first, a page at a time: a header, the records with their hash as last member, a trailer.
 * A line that is no record of the log stands in it as it is, as far as it is text.
 *
 * @throws {UnavailableError} when the log was trimmed since the page before.
 */
export async function readChainPage(
  journal: Journal,
  stream: string,
  { after, limit, notes }: { readonly after?: number; readonly limit: number; readonly notes: () => Promise<ChainNotes> },
): Promise<ChainPage> {
  const lines: string[] = [];
  let hash = GENESIS;
  let last = after ?? 0;
  let count = 0;
  for await (const record of journal.read(stream, { from: last + 1, limit })) {
    if (count === 0 && after === undefined) lines.push(headerLine(stream, record.offset - 1, await notes()));
    else if (record.offset !== last + 1 && ((await firstOffset(journal, stream)) ?? 1) > last + 1)
      throw new UnavailableError(`the audit log was trimmed while it was exported: record ${last + 1} is gone; export it again`);
    const link = linkIn(record);
    lines.push(
      link?.line.endsWith('}')
        ? `${escapeSteering(link.line.slice(0, -1))},"hash":"${link.hash}"}\n`
        : `${JSON.stringify({ seq: record.offset, broken: true })}\n`,
    );
    hash = link?.hash ?? hash;
    last = record.offset;
    count += 1;
  }
  if (count === 0 && after === undefined) lines.push(headerLine(stream, 0, await notes()));
  if (count === limit) return { text: lines.join(''), count, nextAfter: last };
  // A page without records follows one that was full: its hash is that of the record before.
  if (count === 0 && last > 0) for await (const record of journal.read(stream, { from: last, limit: 1 })) hash = linkIn(record)?.hash ?? hash;
  lines.push(`${JSON.stringify({ meshwork_audit: 1, hash, end: last } satisfies ChainTrailer)}\n`);
  return { text: lines.join(''), count };
}

function headerLine(stream: string, start: number, { anchors, rotations }: ChainNotes): string {
  const anchor = anchors.find(({ size }) => size === start);
  const header: ChainHeader = {
    meshwork_audit: 1,
    stream,
    after: anchor?.size ?? 0,
    hash: anchor?.hash ?? GENESIS,
    ...(anchor && { anchor: anchor.note }),
    ...(rotations.length > 0 && { rotations: rotations.map(({ note }) => note) }),
  };
  return `${JSON.stringify(header)}\n`;
}

const UNICODE_ESCAPE = Buffer.from('\\u');

/** The line as the log has it, and its hash; `undefined` when it has none. */
export function parseChainLine(bytes: Buffer): { readonly line: Buffer; readonly hash: string } | undefined {
  const tail = bytes.length - 75;
  if (tail < 2 || bytes.toString('latin1', tail, tail + 9) !== ',"hash":"' || bytes.toString('latin1', bytes.length - 2) !== '"}') return undefined;
  const hash = bytes.toString('latin1', tail + 9, tail + 73);
  const line = Buffer.allocUnsafe(tail + 1);
  bytes.copy(line, 0, 0, tail);
  line[tail] = 0x7d;
  return { hash, line: line.includes(UNICODE_ESCAPE) ? Buffer.from(unescapeSteering(line.toString('utf8'))) : line };
}

/** JSON itself escapes lower controls and lone surrogates only, so every other escape is one that `escapeSteering` made. */
function unescapeSteering(text: string): string {
  return text.replace(/\\(?:u([0-9a-f]{4})|.)/g, (whole, digits: string | undefined) => {
    const code = digits === undefined ? 0 : Number.parseInt(digits, 16);
    return code < 0x7f || (code >= 0xd800 && code <= 0xdfff) ? whole : String.fromCharCode(code);
  });
}
