import { MeshworkError } from '../errors.ts';

/** A value that is not what this name was given: it was changed, moved from another name, made with another key of the same id, or never encrypted. */
export class DecryptionError extends MeshworkError<'DECRYPTION_FAILED'> {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super('DECRYPTION_FAILED', message, options);
  }
}

/** A key that is needed is not there. */
export class EncryptionKeyError extends MeshworkError<'ENCRYPTION_KEY_MISSING'> {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super('ENCRYPTION_KEY_MISSING', message, options);
  }
}
