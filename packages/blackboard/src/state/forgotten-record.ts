/** Replicas that are forgotten together, with how many of its writes each: all of those were superseded. */
export interface ForgottenRecord {
  /** When the latest of them was forgotten: milliseconds since the Unix epoch. */
  readonly at: number;
  readonly replicas: ReadonlyMap<string, number>;
}

/** Whether a record can hold a replica of this name: each has a line. */
export function isRecordable(replica: string): boolean {
  return !replica.includes('\n');
}

/** A record as text: the time, then a line for each replica, in the order of their names, so that one is found without reading all. */
export function writeRecord({ at, replicas }: ForgottenRecord): string {
  const sorted = [...replicas].sort(([one], [other]) => (one < other ? -1 : 1));
  return `${at.toString(36)}\n${sorted.map(([replica, counter]) => `${replica} ${counter.toString(36)}\n`).join('')}`;
}

/** Whatever does not fit is left out: what a peer has written there is not known to be a record. */
export function readRecord(text: string): ForgottenRecord {
  const [at = '', ...lines] = text.split('\n');
  const replicas = new Map<string, number>();
  for (const line of lines) {
    const counter = counterOf(line);
    if (counter > 0) replicas.set(line.slice(0, line.lastIndexOf(' ')), counter);
  }
  return { at: wholeOf(at), replicas };
}

/** How many writes of a replica a record's text says are forgotten; 0 when it does not name it. */
export function findInRecord(text: string, replica: string): number {
  let low = text.indexOf('\n') + 1;
  let high = text.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const start = Math.max(low, text.lastIndexOf('\n', middle - 1) + 1);
    const found = text.indexOf('\n', middle);
    const end = found < 0 || found >= high ? high : found;
    const line = text.slice(start, end);
    const name = line.slice(0, Math.max(0, line.lastIndexOf(' ')));
    if (name === replica) return counterOf(line);
    if (name < replica) low = end + 1;
    else high = start;
  }
  return 0;
}

function counterOf(line: string): number {
  return wholeOf(line.slice(line.lastIndexOf(' ') + 1));
}

function wholeOf(digits: string): number {
  const number = Number.parseInt(digits, 36);
  return Number.isSafeInteger(number) && number > 0 ? number : 0;
}
