/** Keys in the order in which they expire. */
export interface ExpiryQueue {
  /** Gives a key its time, in place of any it had. */
  set(key: string, expiresAt: number): void;
  delete(key: string): void;
  /** Takes out a key whose time has come; `undefined` when there is none. */
  takeDue(now: number): string | undefined;
}

interface Expiry {
  readonly key: string;
  readonly at: number;
}

/**
 * A binary heap, so that looking for what has expired costs nothing while nothing has. A time that was replaced stays in the heap until it
 * comes to the top or until such leftovers outnumber the rest.
 */
export function createExpiryQueue(): ExpiryQueue {
  const times = new Map<string, number>();
  let heap: Expiry[] = [];
  const clearLeftovers = () => {
    if (heap.length <= 2 * times.size + 64) return;
    // A sorted array is a heap.
    heap = Array.from(times, ([key, at]) => ({ key, at })).sort((a, b) => a.at - b.at);
  };

  return {
    set(key, at) {
      if (times.get(key) === at) return;
      times.set(key, at);
      push(heap, { key, at });
      clearLeftovers();
    },
    delete(key) {
      if (times.delete(key)) clearLeftovers();
    },
    takeDue(now) {
      for (let first = heap[0]; first !== undefined && first.at <= now; first = heap[0]) {
        removeFirst(heap);
        if (times.get(first.key) !== first.at) continue;
        times.delete(first.key);
        return first.key;
      }
      return undefined;
    },
  };
}

function push(heap: Expiry[], added: Expiry): void {
  let at = heap.length;
  heap.push(added);
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || parent.at <= added.at) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = added;
}

function removeFirst(heap: Expiry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const left = heap[2 * at + 1];
    const right = heap[2 * at + 2];
    const [child, below] = right !== undefined && left !== undefined && right.at < left.at ? [right, 2 * at + 2] : [left, 2 * at + 1];
    if (child === undefined || child.at >= last.at) break;
    heap[at] = child;
    at = below;
  }
  heap[at] = last;
}
