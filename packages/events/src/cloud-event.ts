/** What an event may have, whoever fills in the rest. */
interface OptionalAttributes<Data> {
  /** What it happened to, within the source. */
  readonly subject?: string;
  /** When it happened: RFC 3339. */
  readonly time?: string;
  readonly datacontenttype?: string;
  readonly dataschema?: string;
  readonly data?: Data;
  /** Bytes, in base64, in place of `data`. */
  readonly data_base64?: string;
  /** Extension of this package: the id of the principal whose event it is. It sees the event. */
  readonly owner?: string;
  /** Extension of this package: `public`, when every caller that has shown a credential may see the event. */
  readonly visibility?: string;
  readonly [extension: string]: unknown;
}

/**
 * An event as it is kept and sent: CloudEvents 1.0 in its JSON format. What is beside the attributes of the specification is an extension:
 * its name has lower-case letters and digits, its value is a string, a boolean or a 32-bit integer.
 */
export interface CloudEvent<Type extends string = string, Data = unknown> extends OptionalAttributes<Data> {
  readonly specversion: '1.0';
  /** With `source`, what tells the event from every other. */
  readonly id: string;
  /** Where it happened: a URI reference. */
  readonly source: string;
  readonly type: Type;
}

/** What a publisher states; the rest is filled in: `specversion`, `id`, `time`, and `source` and `datacontenttype` where they are left out. */
export interface NewEvent<Type extends string = string, Data = unknown> extends OptionalAttributes<Data> {
  readonly type: Type;
  readonly id?: string;
  readonly source?: string;
}

/** An event and its place in the log. */
export interface RecordedEvent {
  /** 1, 2, 3 … without gaps, in the order in which events were published. */
  readonly offset: number;
  /** When it was recorded, in milliseconds since the Unix epoch, by the journal's clock. */
  readonly recordedAt: number;
  readonly event: CloudEvent;
}
