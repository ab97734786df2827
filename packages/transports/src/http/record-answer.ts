import type { DoorRecorder } from '../door-recorder.ts';
import type { TrafficFace } from '../traffic-meter.ts';
import type { Door } from './door.ts';
import { errorAnswer, type FaceResponse, type PlainRequest } from './plain-http.ts';
import { recordRefusal, refusalIn, UNRECORDED } from './refusals.ts';

/** What was found out about a request on its way in. */
export interface Visit {
  face?: TrafficFace;
  principal?: string;
}

export interface RecordAnswerOptions {
  readonly recorder: DoorRecorder | undefined;
  readonly door: Door;
  readonly onError: (error: unknown) => void;
}

/** Records an answer that refuses, before it leaves. What it is, or the 503 that takes its place when it cannot be recorded. */
export async function recordAnswer<Answer extends FaceResponse>(
  answer: Answer,
  request: PlainRequest,
  { face, principal }: Visit,
  { recorder, door, onError }: RecordAnswerOptions,
): Promise<Answer | ReturnType<typeof errorAnswer>> {
  const refused = recorder === undefined ? undefined : refusalIn(answer);
  if (refused === undefined) return answer;
  const { remoteAddress: address } = request.facts;
  const credentialId = door.keyIdIn(request);
  const { method, path } = request;
  const about = { ...(face !== undefined && { face }), ...(principal !== undefined && { principal }), ...(credentialId !== undefined && { credentialId }) };
  const isKept = await recordRefusal(recorder, { ...refused, ...about, ...(address !== undefined && { address }), method, path }, onError);
  return isKept ? answer : errorAnswer(503, -31503, UNRECORDED);
}
