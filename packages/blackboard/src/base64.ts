/** Characters `String.fromCharCode` takes at once. */
const STEP = 8_192;

export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += STEP) text += String.fromCharCode(...bytes.subarray(start, start + STEP));
  return btoa(text);
}

/** `undefined` when it is no base64. */
export function fromBase64(text: string): Uint8Array | undefined {
  try {
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index);
    return bytes;
  } catch {
    return undefined;
  }
}
