import type { Call } from './call.ts';
import type { EndWatcher } from './call-signal.ts';
import type { Catalogue } from './catalogue.ts';
import { createContext } from './context.ts';
import { DeadlineError, type MeshworkError } from './errors.ts';
import type { Operations } from './operations.ts';
import type { CallResult } from './result.ts';
import type { RunningCall } from './running-call.ts';
import type { Stage, StageStep, Target } from './stage.ts';
import { execute } from './stages/execute.ts';
import { executeLong, refuseWithoutTask } from './stages/execute-long.ts';
import { resolve } from './stages/resolve.ts';
import { validate } from './stages/validate.ts';
import { failureAnswer } from './tool-failure.ts';

/** The stages of a hub, outermost first; those that are its own by their names. */
export type Chain = readonly (Stage | 'resolve' | 'validate' | 'execute')[];

/** What a passage needs of its hub. */
export interface PassageParts {
  readonly chain: Chain;
  readonly catalogue: Catalogue;
  readonly operations: Operations | undefined;
  readonly onError: (error: unknown, call: Call | undefined) => void;
  /** Told once, before the caller is. */
  readonly onOut: (call: RunningCall, result: CallResult | undefined, error: unknown, durationMs: number) => void;
}

/** Milliseconds the slots on the way out have to record that a call was ended. */
const WAY_OUT_MS = 500;

/**
 * One call's way through the chain, and what the hub's own slots find out on it.
 *
 * What ends a call ends its work first, and the slots on the way out get to see and record that. Whatever hangs then, a module or its store,
 * is left behind: the caller is told, and is never given a result that has not come all the way out.
 */
export class Passage implements StageStep, EndWatcher {
  readonly call: RunningCall;
  target: Target | undefined;
  #arguments: unknown;
  #isWorkOver = false;
  #isOut = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  // The promises' own functions: closures kept in an object would be taken for long-lived (see `call-signal.ts`).
  #answer: ((result: CallResult) => void) | undefined;
  #refuse: ((error: unknown) => void) | undefined;
  #giveUpWork: ((error: unknown) => void) | undefined;
  readonly #started = performance.now();
  readonly #hub: PassageParts;

  constructor(call: RunningCall, hub: PassageParts) {
    this.call = call;
    this.#hub = hub;
  }

  run(): Promise<CallResult> {
    const answered = new Promise<CallResult>((answer, refuse) => {
      this.#answer = answer;
      this.#refuse = refuse;
    });
    this.call.ending.watch(this);
    this.#at(0).then(
      (result) => this.#leave(result, undefined),
      (error) => this.#leaveFailed(error),
    );
    return answered;
  }

  /** A deadline that passes on the way out is heeded at once; whoever gave up waits for nothing. */
  callEnded(reason: MeshworkError): void {
    if (this.#isOut) return;
    if (this.#isWorkOver && reason.code === 'DEADLINE_EXCEEDED') this.#leaveFailed(new DeadlineError(UNRECORDED));
    // Not in this turn: the stages around the work come first, and take back what they had reserved.
    else this.#timer = setTimeout(Passage.#giveUp, 0, this, reason);
  }

  static #giveUp(passage: Passage, reason: MeshworkError): void {
    passage.#giveUpWork?.(reason);
    passage.#timer = setTimeout(Passage.#giveUpAll, WAY_OUT_MS, passage, reason);
  }

  static #giveUpAll(passage: Passage, reason: MeshworkError): void {
    passage.#leaveFailed(reason);
  }

  #leaveFailed(error: unknown): void {
    // An outer slot may have failed before the name was looked up.
    const { kind, name } = this.call;
    const target = this.target ?? this.#hub.catalogue.find(kind, name);
    if (target?.kind === 'tool') this.#leave(failureAnswer(error, this.call, this.#hub.onError), undefined);
    else this.#leave(undefined, error);
  }

  #leave(result: CallResult | undefined, error: unknown): void {
    if (this.#isOut) return;
    this.#isOut = true;
    clearTimeout(this.#timer);
    this.call.ending.release();
    this.#hub.onOut(this.call, result, error, performance.now() - this.#started);
    if (result === undefined) this.#refuse?.(error);
    else this.#answer?.(result);
  }

  /** Not `async`, because every call passes here a dozen times; a stage that throws at once rejects all the same. */
  #at(index: number): Promise<CallResult> {
    const stage = this.#hub.chain[index];
    if (typeof stage === 'function') {
      try {
        return stage(this, () => this.#at(index + 1));
      } catch (error) {
        return Promise.reject(error);
      }
    }
    if (stage === 'resolve') return this.#resolve(index);
    if (stage === 'validate') return this.#validate(index);
    if (stage === 'execute') return this.#execute();
    return Promise.reject(new Error('the chain of stages has no end'));
  }

  /**
   * What the tool slots throw becomes the tool's failure answer here, so that the outer slots (settle, record, publish) see the answer as
   * the caller will; a failure of an outer slot itself is the hub's.
   */
  async #resolve(index: number): Promise<CallResult> {
    try {
      this.target = resolve(this.call, this.#hub.catalogue);
      return await new Promise<CallResult>((done, giveUp) => {
        this.#giveUpWork = giveUp;
        this.#at(index + 1).then(done, giveUp);
      });
    } catch (error) {
      if (this.target === undefined) throw error;
      return failureAnswer(error, this.call, this.#hub.onError);
    } finally {
      this.#isWorkOver = true;
    }
  }

  async #validate(index: number): Promise<CallResult> {
    const target = this.target as Target;
    refuseWithoutTask(target, this.call, this.#hub.operations);
    const parsed = validate(this.call, target);
    this.#arguments = parsed instanceof Promise ? await parsed : parsed;
    return this.#at(index + 1);
  }

  async #execute(): Promise<CallResult> {
    this.call.ending.throwIfEnded();
    const target = this.target as Target;
    if (target.kind !== 'tool' || target.tool.task === undefined) return execute(target, this.#arguments, createContext(this.call), this.call.ending);
    return executeLong(target, this.#arguments, this.call, this.#hub);
  }
}

const UNRECORDED =
  'the deadline of the call passed before its end was on record, so its result is withheld; it may have had its effect: look before trying again';
