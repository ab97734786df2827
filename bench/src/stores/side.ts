/** One way to do the work that is compared: durable before it is acknowledged. */
export interface Side {
  /** Sets one of a thousand keys. */
  put(key: string, value: Uint8Array): Promise<unknown> | unknown;
  append(value: Uint8Array): Promise<unknown> | unknown;
  /** Callers at once. */
  readonly callers: number;
  close(): Promise<void>;
}

/** A driver beside the bare library of its engine, doing the same durable work on a server or folder of their own. */
export interface Pairing {
  readonly name: string;
  /** What the bare side does. */
  readonly bare: string;
  /** Puts after which both sides drop an old change for each new one; before, they do less. */
  readonly putsUntilFull?: number;
  /** Undefined: this machine has no such engine. */
  open(): Promise<{ readonly ours: Side; readonly bare: Side; close(): Promise<void> } | undefined>;
}
