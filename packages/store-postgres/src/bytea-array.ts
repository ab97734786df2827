const BYTEA_OID = 17;

/**
 * A `bytea[]` in PostgreSQL's binary form (`array_send`): the text form would double its size. `pg` sends a Buffer as a binary parameter; null stands for NULL.
 */
export function byteaArray(items: readonly (Uint8Array | null)[]): Buffer {
  const length = items.reduce((sum, item) => sum + 4 + (item?.length ?? 0), 20);
  const array = Buffer.allocUnsafe(length);
  array.writeInt32BE(items.length === 0 ? 0 : 1, 0);
  array.writeInt32BE(items.includes(null) ? 1 : 0, 4);
  array.writeInt32BE(BYTEA_OID, 8);
  if (items.length === 0) return array.subarray(0, 12);
  array.writeInt32BE(items.length, 12);
  array.writeInt32BE(1, 16);
  let at = 20;
  for (const item of items) {
    at = array.writeInt32BE(item?.length ?? -1, at);
    if (item === null) continue;
    array.set(item, at);
    at += item.length;
  }
  return array;
}
