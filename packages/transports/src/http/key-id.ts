/**
 * The public part of an API key (`prefix_id_secret`), for records; `undefined` for everything that does not look like one, of which no part
 * may be kept.
 */
export function publicKeyId(credential: string | undefined): string | undefined {
  if (credential === undefined || credential.length > 256) return undefined;
  return /^([a-z]{1,8}_[0-9a-f]{8,32})_[A-Za-z0-9_-]{32,}$/.exec(credential)?.[1];
}
