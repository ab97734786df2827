import { createPublicKey, hash, verify } from 'node:crypto';
import { InvalidInputError } from '@meshwork/core';

/** Who signs, and how. The private key stays with whoever made this. */
export interface AuditSigner {
  /** The key's name, by convention that of the log: no spaces, no `+`. */
  readonly name: string;
  /** The 32 bytes of the Ed25519 public key (RFC 8032 section 5.1.5). */
  readonly publicKey: Uint8Array;
  /** The 64 bytes of the Ed25519 signature of these bytes. */
  sign(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** A public key somebody trusts. */
interface VerifierKey {
  readonly name: string;
  readonly id: Buffer;
  readonly publicKey: Uint8Array;
}

const ED25519 = 1;
const DER_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const MAX_NOTE_CHARACTERS = 100_000;

/**
 * The public key as text, `name+id+key`, for `--key` and whoever checks notes with other tools (C2SP signed-note, "Verifier keys").
 *
 * @throws {InvalidInputError} when the name or the key cannot be one.
 */
export function verifierKeyOf({ name, publicKey }: Pick<AuditSigner, 'name' | 'publicKey'>): string {
  if (!/^[^\s+\p{C}]{1,200}$/u.test(name))
    throw new InvalidInputError(`${JSON.stringify(name)} cannot name a key; use 1 to 200 characters without spaces or "+"`);
  if (publicKey.length !== 32) throw new InvalidInputError('an Ed25519 public key has 32 bytes');
  return `${name}+${keyIdOf(name, publicKey).toString('hex')}+${Buffer.from([ED25519, ...publicKey]).toString('base64')}`;
}

/** A signed note (C2SP signed-note): the text, an empty line, and one line for each signature. */
export async function signNote(text: string, ...signers: readonly [AuditSigner, ...AuditSigner[]]): Promise<string> {
  const lines: string[] = [];
  for (const signer of signers) {
    verifierKeyOf(signer);
    const signature = await signer.sign(Buffer.from(text, 'utf8'));
    lines.push(`— ${signer.name} ${Buffer.concat([keyIdOf(signer.name, signer.publicKey), signature]).toString('base64')}\n`);
  }
  return `${text}\n${lines.join('')}`;
}

/**
 * The text of a note that one of these keys has signed; signatures of other keys are passed over, a bad one of a trusted key is not.
 *
 * @throws {InvalidInputError} when it is no note, or none of the keys has signed it.
 */
export function openNote(note: string, keys: readonly string[]): string {
  return signersOf(note, keys).text;
}

/** The same, with those of the keys that have signed it. */
export function signersOf(note: string, keys: readonly string[]): { readonly text: string; readonly signers: readonly string[] } {
  const { text, signatures } = partsOf(note);
  const trusted = keys.map((key) => ({ key, ...parseVerifierKey(key) }));
  const signers: string[] = [];
  for (const { name, blob } of signatures) {
    const found = trusted.find((each) => each.name === name && each.id.equals(blob.subarray(0, 4)));
    if (found === undefined) continue;
    const publicKey = createPublicKey({ key: Buffer.concat([DER_PREFIX, found.publicKey]), format: 'der', type: 'spki' });
    if (!verify(null, Buffer.from(text, 'utf8'), publicKey, blob.subarray(4)))
      throw new InvalidInputError(`the signature of ${JSON.stringify(name)} does not fit the checkpoint: it was changed, or forged; trust another copy`);
    signers.push(found.key);
  }
  if (signers.length === 0) {
    const names = signatures.map(({ name }) => JSON.stringify(name)).join(', ');
    throw new InvalidInputError(`the checkpoint is not signed by a key you trust, but by ${names || 'nobody'}; give that log's public key`);
  }
  return { text, signers };
}

/** The text of a note, whoever signed it: believe it only as far as you believe where it came from. */
export function textOfNote(note: string): string {
  return partsOf(note).text;
}

function partsOf(note: string): { readonly text: string; readonly signatures: readonly { readonly name: string; readonly blob: Buffer }[] } {
  const end = note.lastIndexOf('\n\n');
  if (end === -1 || note.length > MAX_NOTE_CHARACTERS || !note.endsWith('\n'))
    throw new InvalidInputError('this is no signed note: it must be text, an empty line, and lines with signatures');
  const lines = note.slice(end + 2, -1).split('\n');
  const signatures = lines.map((line) => {
    const [, name = '', base64 = ''] = /^— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line) ?? [];
    const blob = Buffer.from(base64, 'base64');
    if (blob.length < 5) throw new InvalidInputError(`this is no signed note: ${JSON.stringify(line.slice(0, 100))} is no signature`);
    return { name, blob };
  });
  return { text: note.slice(0, end + 1), signatures };
}

function parseVerifierKey(text: string): VerifierKey {
  const [, name = '', id = '', base64 = ''] = /^([^\s+]+)\+([0-9a-fA-F]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(text.trim()) ?? [];
  const bytes = Buffer.from(base64, 'base64');
  const publicKey = bytes.subarray(1);
  const expected = keyIdOf(name, publicKey);
  if (bytes.length !== 33 || bytes[0] !== ED25519 || expected.toString('hex') !== id.toLowerCase())
    throw new InvalidInputError(`${JSON.stringify(text.slice(0, 200))} is no public key of a log; it looks like name+0123abcd+ASdf…=`);
  return { name, id: expected, publicKey };
}

function keyIdOf(name: string, publicKey: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), Buffer.from([ED25519]), publicKey]), 'buffer').subarray(0, 4);
}
