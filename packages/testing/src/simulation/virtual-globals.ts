import { AsyncLocalStorage } from 'node:async_hooks';
import type { Agenda, Appointment } from './agenda.ts';
import { livingAs } from './life.ts';
import type { Random } from './random.ts';

const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** What a timer function returns: enough of Node's `Timeout`. */
class VirtualTimer {
  readonly #plan: () => Appointment | undefined;
  #appointment: Appointment | undefined;
  constructor(plan: () => Appointment | undefined) {
    this.#plan = plan;
    this.#appointment = plan();
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  hasRef(): boolean {
    return true;
  }
  refresh(): this {
    this.close();
    this.#appointment = this.#plan();
    return this;
  }
  close(): this {
    this.#appointment?.cancel();
    return this;
  }
}

type Callback = (...values: unknown[]) => void;

/**
 * Puts the simulation's time in the place of the process's: timers, `AbortSignal.timeout`, `Date.now`, `performance.now` and `Math.random`, each as the
 * node whose code asks has it. `new Date()` and real input and output stay real. Returns what puts everything back.
 */
export function takeOverGlobals(agenda: Agenda, random: Random): () => void {
  const clear = (timer: unknown) => {
    if (timer instanceof VirtualTimer) timer.close();
  };
  const begin = (callback: Callback, delayMs: number, { again, values }: { readonly again: boolean; readonly values: unknown[] }) => {
    const life = livingAs.getStore();
    const inContext = AsyncLocalStorage.snapshot();
    const wait = delayMs / (life?.rate() ?? 1);
    const timer: VirtualTimer = new VirtualTimer(() => {
      if (life?.isOver()) return undefined;
      return agenda.put(agenda.now() + wait, () => {
        if (life?.isOver()) return;
        if (again) timer.refresh();
        inContext(callback, ...values);
      });
    });
    return timer;
  };
  const inRange = (ms: unknown) => (Number(ms) >= 1 && Number(ms) <= LONGEST_DELAY_MS ? Number(ms) : 1);
  const undo = [
    replace(globalThis, 'setTimeout', (callback: Callback, ms?: unknown, ...values: unknown[]) => begin(callback, inRange(ms), { again: false, values })),
    replace(globalThis, 'setInterval', (callback: Callback, ms?: unknown, ...values: unknown[]) => begin(callback, inRange(ms), { again: true, values })),
    replace(globalThis, 'setImmediate', (callback: Callback, ...values: unknown[]) => begin(callback, 0, { again: false, values })),
    replace(globalThis, 'clearTimeout', clear),
    replace(globalThis, 'clearInterval', clear),
    replace(globalThis, 'clearImmediate', clear),
    replace(Date, 'now', () => livingAs.getStore()?.clock.now() ?? Math.floor(Date.UTC(2026, 0, 1) + agenda.now())),
    replace(performance, 'now', () => livingAs.getStore()?.clock.monotonic() ?? agenda.now()),
    replace(AbortSignal, 'timeout', (ms: number) => {
      const controller = new AbortController();
      begin(() => controller.abort(new DOMException('the operation was aborted due to timeout', 'TimeoutError')), ms, { again: false, values: [] });
      return controller.signal;
    }),
    replace(Math, 'random', () => random.next()),
  ];
  return () => {
    for (const put of undo) put();
  };
}

function replace(owner: object, name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, { value, configurable: true, writable: true, enumerable: before?.enumerable ?? true });
  return () => {
    if (before === undefined) Reflect.deleteProperty(owner, name);
    else Object.defineProperty(owner, name, before);
  };
}
