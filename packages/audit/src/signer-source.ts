import { InvalidInputError, UnavailableError } from '@meshwork/core';
import { type AuditSigner, verifierKeyOf } from './signed-note.ts';
import type { KeyKeeper } from './stored-signer.ts';

/** Who signs; a function is asked once, when there is first something to sign. With a keeper the key can be replaced while hubs run. */
export type GivenSigner = AuditSigner | (() => Promise<AuditSigner>) | KeyKeeper;

/** The signer in use, and how another takes its place. */
export interface SignerSource {
  current(): Promise<AuditSigner>;
  /** The one of this public key, which has replaced the one in use. @throws {UnavailableError} when this hub does not have it. */
  follow(publicKey: string): Promise<AuditSigner>;
  /** Another one. @throws {InvalidInputError} when this hub cannot make one. */
  make(): Promise<AuditSigner>;
  adopt(next: AuditSigner): Promise<void>;
}

export function createSignerSource(given: GivenSigner | undefined): SignerSource {
  if (given !== undefined && 'open' in given)
    return {
      current: () => given.open(),
      async follow(publicKey) {
        const signer = await given.open(publicKey);
        // Whoever replaced the key was ended before it was put in its place.
        await given.adopt(publicKey);
        return signer;
      },
      make: given.make,
      adopt: (next) => given.adopt(verifierKeyOf(next)),
    };
  let opening: Promise<AuditSigner> | undefined;
  return {
    async current() {
      if (given === undefined) throw new InvalidInputError('this log has no signer; give audit({ checkpoints: { signer } }) one');
      opening ??= Promise.resolve(typeof given === 'function' ? given() : given).catch((error: unknown) => {
        opening = undefined;
        throw error;
      });
      return opening;
    },
    async follow(publicKey) {
      throw new UnavailableError(`the key this hub signs checkpoints with was replaced by ${publicKey}; start the hub with that one`);
    },
    async make() {
      throw new InvalidInputError("this log's key is not kept by the hub: make the next one where it is kept, and give it");
    },
    async adopt(next) {
      opening = Promise.resolve(next);
    },
  };
}
