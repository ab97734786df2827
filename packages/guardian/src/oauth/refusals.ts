import { UnauthenticatedError } from '@meshwork/core';

/** A token that is not good here (RFC 6750 section 3.1). Which of its faults it was is told only where that helps its honest holder. */
export function invalidToken(message: string): UnauthenticatedError {
  return new UnauthenticatedError(message, { challenge: { scheme: 'Bearer', parameters: { error: 'invalid_token', error_description: message } } });
}

/** A token that is bound to a key and came without a good proof of it (RFC 9449 section 7.1). */
export function invalidProof(message: string, algorithms: readonly string[]): UnauthenticatedError {
  const parameters = { error: 'invalid_dpop_proof', error_description: message, algs: algorithms.join(' ') };
  return new UnauthenticatedError(message, { challenge: { scheme: 'DPoP', parameters } });
}

/** A proof without the nonce this hub wants in it (RFC 9449 section 9). */
export function nonceWanted(nonce: string, algorithms: readonly string[]): UnauthenticatedError {
  const message = 'the DPoP proof needs the nonce in the DPoP-Nonce header of this answer; send the request again with it';
  const parameters = { error: 'use_dpop_nonce', error_description: message, algs: algorithms.join(' ') };
  return new UnauthenticatedError(message, { challenge: { scheme: 'DPoP', parameters, headers: { 'dpop-nonce': nonce } } });
}
