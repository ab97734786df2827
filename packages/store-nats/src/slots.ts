/** What this process knows of one name: `state` is as it was last seen, and maybe another by now. */
export interface Slot<State> {
  state: State | undefined;
}

interface Line<State> extends Slot<State> {
  tail: Promise<unknown> | undefined;
}

/** Work on one name is done one after another, in the order it comes; that on other names meanwhile. */
export interface Slots<State> {
  run<T>(name: string, work: (slot: Slot<State>) => Promise<T>): Promise<T>;
  /** What is known of a name, if anything. */
  peek(name: string): Slot<State> | undefined;
  /** What was seen so far says nothing any more. */
  forget(): void;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

/** Names that are remembered; those under way come on top. */
const REMEMBERED = 10_000;

export function createSlots<State>(): Slots<State> {
  const lines = new Map<string, Line<State>>();
  const makeRoom = () => {
    if (lines.size <= REMEMBERED) return;
    for (const [name, { tail }] of lines) {
      if (lines.size <= REMEMBERED / 2) return;
      if (tail === undefined) lines.delete(name);
    }
  };
  return {
    run(name, work) {
      let line = lines.get(name);
      if (line === undefined) {
        makeRoom();
        line = { state: undefined, tail: undefined };
        lines.set(name, line);
      }
      const mine = line;
      const begin = () => work(mine);
      const result = mine.tail === undefined ? begin() : mine.tail.then(begin);
      const done = result.then(noop, noop).then(() => {
        if (mine.tail === done) mine.tail = undefined;
      });
      mine.tail = done;
      return result;
    },
    peek: (name) => lines.get(name),
    forget() {
      for (const line of lines.values()) line.state = undefined;
    },
    async idle() {
      for (const { tail } of [...lines.values()]) await tail;
    },
  };
}

function noop(): void {}
