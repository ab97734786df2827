/** The lower end of the keys with a prefix that come after a key ('': all), as ZRANGE BYLEX takes it. */
export function firstAfter(prefix: string, after: string): Buffer {
  const first = Buffer.from(prefix);
  const last = Buffer.from(after);
  if (after !== '' && Buffer.compare(last, first) >= 0) return Buffer.concat([Buffer.from('('), last]);
  return prefix === '' ? Buffer.from('-') : Buffer.concat([Buffer.from('['), first]);
}

/** Their upper end: the first key after all that start with the prefix. No byte of UTF-8 is 0xff, so that the last one can be raised. */
export function lastBefore(prefix: string): Buffer {
  if (prefix === '') return Buffer.from('+');
  const end = Buffer.from(`(${prefix}`);
  const last = end.length - 1;
  end.writeUInt8(end.readUInt8(last) + 1, last);
  return end;
}
