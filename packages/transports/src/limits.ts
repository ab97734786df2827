export { createDoorLimits, type DoorLimits, type DoorLimitsOptions } from './limits/door-limits.ts';
export { defaultLimitRules, type LimitBy, type LimitFilter, type LimitRule } from './limits/limit-rules.ts';
export { type LimitEvents, type RateLimits, type RateLimitsOptions, rateLimits } from './limits/rate-limits.ts';
