import type { DoorRecorder } from '../door-recorder.ts';
import { codeOf, recordRefusal, UNRECORDED } from '../http/refusals.ts';
import type { TrafficFace } from '../traffic-meter.ts';

/** Records a frame or line that was refused before it was a call; resolves with whether that worked. */
export type RecordFrame = (status: number, reason: string) => Promise<boolean>;

/** Who sent what is refused. */
interface Sender {
  readonly face: TrafficFace;
  readonly principal: string;
  readonly address?: string | undefined;
}

/** The recording of one connection's frames; `undefined` where nothing is recorded. */
export function frameRecorder(recorder: DoorRecorder | undefined, sender: () => Sender, onError: (error: unknown) => void): RecordFrame | undefined {
  if (recorder === undefined) return undefined;
  return (status, reason) => {
    const { face, principal, address } = sender();
    return recordRefusal(recorder, { face, principal, ...(address !== undefined && { address }), status, code: codeOf(status), reason }, onError);
  };
}

/** Answers what is no JSON with an error without an id, after it is recorded. */
export function refuseFrame(record: RecordFrame | undefined, message: string, send: (text: string) => void): void {
  if (record === undefined) send(errorText(-32700, message));
  else void record(400, message).then((isKept) => send(isKept ? errorText(-32700, message) : errorText(-31503, UNRECORDED)));
}

function errorText(code: number, message: string): string {
  return JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } });
}
