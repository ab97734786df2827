import type { Call, CallerChannel, CallKind, CallRequest, ClientFacts, Decision, Face, TraceContext } from './call.ts';
import { type CallSignal, createCallSignal } from './call-signal.ts';
import type { JsonValue } from './json.ts';
import type { Principal } from './principal.ts';
import type { Enrolled } from './roster.ts';

/** A call as the hub runs it: the hub can end it. */
export interface RunningCall extends Call, Enrolled {
  readonly ending: CallSignal;
}

/** A class, because all calls have one shape and their signal is made only when it is asked for. */
class CallUnderWay implements RunningCall {
  readonly id: string;
  readonly kind: CallKind;
  readonly name: string;
  readonly arguments: unknown;
  readonly principal: Principal;
  readonly face: Face;
  readonly receivedAt: number;
  readonly channel: CallerChannel;
  readonly decisions: Decision[] = [];
  place = -1;
  declare readonly deadline?: number;
  declare readonly trace?: TraceContext;
  declare readonly idempotencyKey?: string;
  declare readonly client?: ClientFacts;
  declare readonly inputResponses?: Readonly<Record<string, unknown>>;
  declare readonly inputState?: JsonValue;
  declare readonly asTask?: boolean;
  readonly #ending: CallSignal;

  constructor(request: CallRequest, id: string, receivedAt: number) {
    const { deadline, trace, idempotencyKey, client, inputResponses, inputState, asTask } = request;
    this.id = id;
    this.kind = request.kind ?? 'tool';
    this.name = request.name;
    this.arguments = request.arguments;
    this.principal = request.principal;
    this.face = request.face;
    this.receivedAt = receivedAt;
    this.channel = request.channel ?? {};
    if (client !== undefined) this.client = client;
    if (deadline !== undefined) this.deadline = deadline;
    if (trace !== undefined) this.trace = trace;
    if (idempotencyKey !== undefined) this.idempotencyKey = idempotencyKey;
    if (inputResponses !== undefined) this.inputResponses = inputResponses;
    if (inputState !== undefined) this.inputState = inputState;
    if (asTask !== undefined) this.asTask = asTask;
    this.#ending = createCallSignal(request.signal, deadline === undefined ? undefined : deadline - receivedAt);
  }

  get ending(): CallSignal {
    return this.#ending;
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }
}

/** The call a request becomes. */
export function createCall(request: CallRequest, id: string, receivedAt: number): RunningCall {
  return new CallUnderWay(request, id, receivedAt);
}
