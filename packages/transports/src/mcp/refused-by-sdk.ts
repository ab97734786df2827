import { asRefusal, refusalIn } from '../http/refusals.ts';
import { refusalInMessage } from './error-records.ts';

/** Marks an answer of the SDK that refuses a request which has made no call, with the reason it gives; some of them have the status 200. */
export async function markRefused(response: Response): Promise<Response> {
  if (refusalIn(response) !== undefined) return response;
  const refused = refusalInMessage(await jsonIn(response));
  if (response.status >= 400) return asRefusal(response, refused?.reason ?? `answered with ${response.status}`);
  return refused === undefined ? response : asRefusal(response, refused.reason, undefined, refused.status);
}

/** Not every answer has a body, and streams are watched where they are written. */
async function jsonIn(response: Response): Promise<unknown> {
  if (response.body === null || !response.headers.get('content-type')?.startsWith('application/json')) return undefined;
  return response.clone().json();
}
