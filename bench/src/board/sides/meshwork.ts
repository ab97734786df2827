import { createBoardState, decodeDelta, encodeDelta } from '@meshwork/blackboard';
import type { OpenSide } from '../side.ts';

/** A board's state, which nobody watches. Every write is stamped with a hybrid clock, as a board does. A question is a delta without entries: what has been seen. */
export const meshwork: OpenSide = async () => (name) => {
  const state = createBoardState({ replica: name });
  const epoch = Date.UTC(2020);
  let time = 0;
  return {
    set(key, value) {
      time = Math.max(time + 1, (Date.now() - epoch) * 4_096);
      state.set(key, value, { time, writer: 'writer' });
    },
    size: () => state.size,
    encode: () => encodeDelta(state.deltaSince(new Map()).delta),
    merge: (bytes) => void state.merge(decodeDelta(bytes), { changes: false }),
    ask: () => encodeDelta({ entries: [], context: state.context, covers: { from: new Map(), to: new Map() } }),
    answer: (question) => encodeDelta(state.deltaSince(decodeDelta(question).context.vector).delta),
  };
};
