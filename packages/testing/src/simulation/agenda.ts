/** One thing that will happen. */
export interface Appointment {
  readonly at: number;
  readonly act: () => void;
  cancel(): void;
}

/** What will happen, in order of time; what falls on one moment happens in the order it was put down. */
export interface Agenda {
  /** The present, in milliseconds since the simulation began. */
  now(): number;
  put(at: number, act: () => void): Appointment;
  /** Moves the present to the next appointment and gives it; `undefined` when there is none. */
  takeNext(): Appointment | undefined;
}

interface Held extends Appointment {
  readonly order: number;
  cancelled: boolean;
}

export function createAgenda(): Agenda {
  const heap: Held[] = [];
  let present = 0;
  let order = 0;
  return {
    now: () => present,
    put(at, act) {
      order += 1;
      const held: Held = {
        at: Math.max(present, at),
        act,
        order,
        cancelled: false,
        cancel() {
          held.cancelled = true;
        },
      };
      push(heap, held);
      return held;
    },
    takeNext() {
      for (let next = takeFirst(heap); next !== undefined; next = takeFirst(heap)) {
        if (next.cancelled) continue;
        present = next.at;
        return next;
      }
      return undefined;
    },
  };
}

function isBefore(a: Held, b: Held): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function push(heap: Held[], added: Held): void {
  let at = heap.length;
  heap.push(added);
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || isBefore(parent, added)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = added;
}

function takeFirst(heap: Held[]): Held | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    const left = heap[2 * at + 1];
    const right = heap[2 * at + 2];
    const [child, below] = right !== undefined && left !== undefined && isBefore(right, left) ? [right, 2 * at + 2] : [left, 2 * at + 1];
    if (child === undefined || isBefore(last, child)) break;
    heap[at] = child;
    at = below;
  }
  heap[at] = last;
  return first;
}
