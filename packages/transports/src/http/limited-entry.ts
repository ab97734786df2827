import type { DoorLimits } from '../limits/door-limits.ts';
import { errorAnswer, type PlainRequest, type PlainResponse } from './plain-http.ts';

/** What the door does about addresses that come too often. */
interface LimitedEntry {
  /** The refusal of an address that has to wait; its credential is not looked at. */
  refuseOften(request: PlainRequest): Promise<PlainResponse | undefined>;
  /** To be told of each request that was not let in. */
  countFailure(request: PlainRequest): Promise<void>;
}

/** Off the network there is nothing to count by, and without limits nothing to count. */
export function createLimitedEntry(limits: DoorLimits | undefined, showsCredential: (request: PlainRequest) => boolean): LimitedEntry {
  return {
    async refuseOften(request) {
      const { remoteAddress } = request.facts;
      if (limits === undefined || remoteAddress === undefined) return undefined;
      const shows = showsCredential(request);
      const waitMs = await limits.waitOf(remoteAddress, { showsCredential: shows });
      if (waitMs === undefined) return undefined;
      const seconds = Math.ceil(waitMs / 1_000);
      const what = shows ? 'too many credentials from this address opened nothing' : 'too many requests without a credential from this address';
      return errorAnswer(429, -31429, `${what}; try again in ${seconds} seconds`, { 'retry-after': String(seconds) });
    },
    async countFailure(request) {
      const { remoteAddress } = request.facts;
      if (limits !== undefined && remoteAddress !== undefined) await limits.failed(remoteAddress, { showsCredential: showsCredential(request) });
    },
  };
}
