import type { Delta } from '../state/board-state.ts';
import { ByteWriter } from './byte-writer.ts';
import { deltaToJson } from './delta-json.ts';

/** A delta as bytes, for `decodeDelta`. */
export function encodeDelta(delta: Delta): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.byte(0);
  writer.text(JSON.stringify(deltaToJson(delta)));
  return writer.finish();
}
