/** How the program ends. */
export const exitCodes = {
  /** Granted, valid, done. */
  ok: 0,
  /** The hub said no, or the work failed. */
  refused: 1,
  /** The command line, an argument or the configuration is wrong. */
  usage: 2,
  /** No hub answers, or no store. */
  unreachable: 3,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
