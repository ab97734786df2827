import type { ChainProblemKind } from './chain-walk.ts';

/** What an audit log tells, at most once. */
export interface AuditEvents {
  'checkpoint-signed': (event: { readonly size: number; readonly hash: string; readonly time: string }) => void;
  /** The retention let records go: `keptFrom` is the first that is left. */
  'log-trimmed': (event: { readonly dropped: number; readonly keptFrom: number }) => void;
  /** A check, of whoever asked for it or before a trim or a signature, found that the log is not what it was. It is told of every time. */
  'tamper-found': (event: { readonly offset: number; readonly kind: ChainProblemKind; readonly message: string }) => void;
  /** A check did not come to its end, so that nothing is known. */
  'verification-failed': (event: { readonly message: string }) => void;
  /** The journal has not answered in time; until it does, calls are refused. */
  'journal-silent': (event: { readonly patienceMs: number }) => void;
  /** The journal answers again, after so many milliseconds. */
  'journal-answers': (event: { readonly silentMs: number }) => void;
}
