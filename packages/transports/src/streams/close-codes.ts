/** Why a hub ends a WebSocket connection (RFC 6455, section 7.4; the 44xx codes are ours). */
export const closeCodes = {
  done: 1000,
  goingAway: 1001,
  violation: 1002,
  notText: 1003,
  tooLarge: 1009,
  failed: 1011,
  tryLater: 1013,
  keyRevoked: 4401,
  keyExpired: 4402,
  slowReader: 4408,
  replaced: 4409,
  sessionOver: 4410,
  tooManyConnections: 4429,
} as const;
