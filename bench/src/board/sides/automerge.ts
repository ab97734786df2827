import * as Automerge from '@automerge/automerge';
import type { JsonValue } from '@meshwork/core';
import type { OpenSide } from '../side.ts';

/** One map in a document, each set a change of its own; a question is the heads of the document. */
export const automerge: OpenSide = async () => {
  const start = Automerge.save(Automerge.from<{ board: Record<string, JsonValue> }>({ board: {} }));
  return () => {
    let doc = Automerge.load<{ board: Record<string, JsonValue> }>(start);
    return {
      set(key, value) {
        doc = Automerge.change(doc, ({ board }) => {
          board[key] = value;
        });
      },
      setAll(entries) {
        doc = Automerge.change(doc, ({ board }) => {
          for (const [key, value] of entries) board[key] = value;
        });
      },
      size: () => Object.keys(doc.board).length,
      encode: () => Automerge.save(doc),
      merge(bytes) {
        doc = Automerge.loadIncremental(doc, bytes);
      },
      load(bytes) {
        const loaded = Automerge.load<{ board: Record<string, JsonValue> }>(bytes);
        doc = Object.keys(doc.board).length === 0 ? loaded : Automerge.merge(doc, loaded);
      },
      ask: () => new TextEncoder().encode(JSON.stringify(Automerge.getHeads(doc))),
      answer: (question) => Automerge.saveSince(doc, JSON.parse(new TextDecoder().decode(question))),
    };
  };
};
