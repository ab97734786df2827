import type { Journal } from '@meshwork/core';
import { GENESIS, linkIn } from './chain.ts';
import type { SignedCheckpoint } from './checkpoint.ts';
import { escapeSteering } from './export-lines.ts';

/** The first line of a chain file: where it begins. */
export interface ChainHeader {
  readonly meshwork_audit: 1;
  readonly stream: string;
  /** How many records the log had before the first of the file, and the hash of the last of them. */
  readonly after: number;
  readonly hash: string;
  /** The signed checkpoint that says that the log was trimmed up to there. */
  readonly anchor?: string;
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

/**
 * A log as lines anybody can check without the hub, oldest first, a page at a time: a header, the records with their hash as last member, a trailer.
 * A line that is no record of the log stands in it as it is, as far as it is text.
 */
export async function readChainPage(
  journal: Journal,
  stream: string,
  { after, limit, anchors }: { readonly after?: number; readonly limit: number; readonly anchors: readonly SignedCheckpoint[] },
): Promise<ChainPage> {
  const lines: string[] = [];
  let hash = GENESIS;
  let last = after ?? 0;
  let count = 0;
  for await (const record of journal.read(stream, { from: last + 1, limit })) {
    if (count === 0 && after === undefined) {
      const anchor = anchors.find(({ size }) => size === record.offset - 1);
      lines.push(headerLine(stream, anchor));
    }
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
  if (count === 0 && after === undefined) lines.push(headerLine(stream, undefined));
  if (count === limit) return { text: lines.join(''), count, nextAfter: last };
  // A page without records follows one that was full: its hash is that of the record before.
  if (count === 0 && last > 0) for await (const record of journal.read(stream, { from: last, limit: 1 })) hash = linkIn(record)?.hash ?? hash;
  lines.push(`${JSON.stringify({ meshwork_audit: 1, hash, end: last } satisfies ChainTrailer)}\n`);
  return { text: lines.join(''), count };
}

function headerLine(stream: string, anchor: SignedCheckpoint | undefined): string {
  const header: ChainHeader = { meshwork_audit: 1, stream, after: anchor?.size ?? 0, hash: anchor?.hash ?? GENESIS, ...(anchor && { anchor: anchor.note }) };
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
