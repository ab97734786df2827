import { UnavailableError, within } from '@meshwork/core';
import type { DoorRecorder, DoorRefusal } from '../door-recorder.ts';
import type { FaceResponse } from './plain-http.ts';

/** Why an answer refuses, for the record. */
type Refused = Pick<DoorRefusal, 'status' | 'code' | 'reason'>;

const refusals = new WeakMap<FaceResponse, Refused>();

/** Marks an answer as the refusal of a request that has made no call, and returns it. `status` is the answer's own, unless that says too little. */
export function asRefusal<Answer extends FaceResponse>(answer: Answer, reason: string, code?: string, status: number = answer.status): Answer {
  refusals.set(answer, { status, code: code ?? codeOf(status), reason });
  return answer;
}

/** The mark of an answer, when it has one. */
export function refusalIn(answer: FaceResponse): Refused | undefined {
  return refusals.get(answer);
}

/** Carries the mark of one answer over to another that is given in its stead. */
export function withRefusalOf<Answer extends FaceResponse>(answer: Answer, original: FaceResponse): Answer {
  const refused = refusals.get(original);
  if (refused !== undefined) refusals.set(answer, refused);
  return answer;
}

/** Milliseconds the recorder has. */
const RECORD_MS = 10_000;

/** Records a refusal. False when that failed, which `onError` is told: then nothing of the request may be answered but that. */
export async function recordRefusal(recorder: DoorRecorder | undefined, refusal: DoorRefusal, onError: (error: unknown) => void): Promise<boolean> {
  if (recorder === undefined) return true;
  try {
    await within(RECORD_MS, recorder.refused(refusal), () => new UnavailableError(UNRECORDED));
    return true;
  } catch (error) {
    onError(error);
    return false;
  }
}

/** What a request is told whose refusal could not be recorded. */
export const UNRECORDED = 'the request was refused, and that could not be recorded; try again when the audit store works';

const codes: Readonly<Record<number, string>> = {
  400: 'INVALID_INPUT',
  401: 'UNAUTHENTICATED',
  403: 'DENIED',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  406: 'NOT_ACCEPTABLE',
  408: 'REQUEST_TIMEOUT',
  413: 'TOO_LARGE',
  414: 'URI_TOO_LONG',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  426: 'UPGRADE_REQUIRED',
  429: 'LIMITED',
  431: 'HEADERS_TOO_LARGE',
  503: 'UNAVAILABLE',
};

/** The stable name that goes with a status. */
export function codeOf(status: number): string {
  return codes[status] ?? (status < 500 ? 'INVALID_INPUT' : 'INTERNAL');
}
