export { type EncryptStoreOptions, encryptStore } from './encrypted/encrypt-store.ts';
export { DecryptionError, EncryptionKeyError } from './encrypted/encryption-errors.ts';
export { createKeyRing, type EncryptionKey, type EncryptionKeys } from './encrypted/encryption-keys.ts';
export { encryptionKeysInUse, type KeyUse } from './encrypted/keys-in-use.ts';
export { type RewrapOptions, type RewrapReport, rewrapKeys } from './encrypted/rewrap-keys.ts';
