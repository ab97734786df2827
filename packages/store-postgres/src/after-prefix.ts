/** The first name after all that start with the prefix; null when there is none. No byte of UTF-8 is 0xff. */
export function afterPrefix(prefix: string): Buffer | null {
  const end = Buffer.from(prefix);
  const last = end.length - 1;
  if (last < 0) return null;
  end.writeUInt8(end.readUInt8(last) + 1, last);
  return end;
}
