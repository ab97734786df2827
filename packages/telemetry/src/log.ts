/** The levels of the seed's logs, least urgent first. */
export type LogLevelName = 'debug' | 'info' | 'warning' | 'error' | 'critical';

/** What is known besides the message. An `Error` belongs under the key `err`. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Port: where events are written. Words of others belong into `fields`, or quoted into the message. */
export interface Logger {
  /** False when a line of this level would go nowhere. */
  isEnabled(level: LogLevelName): boolean;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warning(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  critical(message: string, fields?: LogFields): void;
  /** A logger of a part: `child('tools')` of `mcp` is `mcp.tools`. */
  child(name: string): Logger;
}
