import type { LimitEvents } from '@meshwork/transports/limits';
import { type NewsOf, ownerOf } from './news.ts';

const source = 'urn:meshwork:limits';

export const limitNews: NewsOf<LimitEvents> = {
  'limit-reached': ({ limit, principal: { id, kind }, retryAfterMs }) => ({
    source,
    type: 'meshwork.limit.reached',
    ...ownerOf(kind, id),
    data: { limit, principal: id, kind, retryAfterMs },
  }),
};
