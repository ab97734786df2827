/** What was asked of a board, and what was acknowledged: what must be there in the end, and what may be. */
export interface Ledger {
  /** The writes of a key that one writer made one after the other: the last acknowledged one, and those after it of which nobody knows. */
  readonly sequences: Map<string, { acknowledged: number; attempted: number }>;
  /** By key of a counter: what it was acknowledged to have been raised by, and what it may have been raised by beyond. */
  readonly counts: Map<string, { acknowledged: number; unknown: number }>;
  /** By key of a set: elements that were acknowledged, and those of which nobody knows. */
  readonly elements: Map<string, { readonly acknowledged: Set<string>; readonly unknown: Set<string> }>;
  acknowledged: number;
  unknown: number;
}

export function createLedger(): Ledger {
  return { sequences: new Map(), counts: new Map(), elements: new Map(), acknowledged: 0, unknown: 0 };
}

/** Everything that a board shows and must not, in words; none when all is well. */
export function faultsOf(ledger: Ledger, read: (key: string) => unknown): string[] {
  const faults: string[] = [];
  for (const [key, { acknowledged, attempted }] of ledger.sequences) {
    const value = read(key) ?? 0;
    if (typeof value !== 'number' || value < acknowledged || value > attempted)
      faults.push(`${key} is ${value}; ${acknowledged} was acknowledged, ${attempted} tried`);
  }
  for (const [key, { acknowledged, unknown }] of ledger.counts) {
    const value = read(key) ?? 0;
    if (typeof value !== 'number' || value < acknowledged || value > acknowledged + unknown) {
      faults.push(`${key} counts ${value}; ${acknowledged} are acknowledged, ${unknown} unknown`);
    }
  }
  for (const [key, { acknowledged, unknown }] of ledger.elements) {
    const present = new Set((read(key) ?? []) as string[]);
    for (const element of acknowledged) if (!present.has(element)) faults.push(`${key} has lost ${element}`);
    for (const element of present) if (!acknowledged.has(element) && !unknown.has(element)) faults.push(`${key} has ${element}, which nobody added`);
  }
  return faults;
}
