/** A secret to encrypt with. */
export interface EncryptionKey {
  /** Stands in clear beside every value made with it: 1 to 64 of A-Z a-z 0-9 . _ -. */
  readonly id: string;
  /** 32 secret bytes. */
  readonly secret: Uint8Array;
}

/** Port: where keys come from, a key management service for example. What it gives for an id never changes. */
export interface EncryptionKeys {
  /** The key new values are made with. It is asked for before every write: whoever has to fetch it keeps it for a while. */
  current(): EncryptionKey | Promise<EncryptionKey>;
  /** The key of an id, also one that is no longer current; `undefined` when there is none. */
  find(id: string): EncryptionKey | undefined | Promise<EncryptionKey | undefined>;
}

const ID = /^[A-Za-z0-9._-]{1,64}$/;
const SECRET_BYTES = 32;

/** Keys that are known from the start: the first is current, the others are for what was made before. @throws {TypeError} when one is no key, or two have one id. */
export function createKeyRing(keys: readonly EncryptionKey[]): EncryptionKeys {
  const [current] = keys;
  if (current === undefined) throw new TypeError('a ring of keys needs at least one');
  for (const key of keys) checkKey(key);
  const byId = new Map(keys.map(({ id, secret }) => [id, { id, secret: new Uint8Array(secret) }]));
  if (byId.size < keys.length) throw new TypeError('two keys have one id; give each its own');
  return { current: () => byId.get(current.id) ?? current, find: (id) => byId.get(id) };
}

/** @throws {TypeError} that does not say the secret. */
export function checkKey({ id, secret }: EncryptionKey): void {
  if (!ID.test(id)) throw new TypeError('the id of an encryption key must be 1 to 64 of A-Z a-z 0-9 . _ -');
  if (!(secret instanceof Uint8Array) || secret.length !== SECRET_BYTES)
    throw new TypeError(`the encryption key ${JSON.stringify(id)} must have ${SECRET_BYTES} bytes`);
}
