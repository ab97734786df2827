import { asRefusal, refusalIn } from '../http/refusals.ts';

/** Marks an answer of the SDK that refuses a request which has made no call, with the reason it gives. */
export async function markRefused(response: Response): Promise<Response> {
  if (response.status < 400 || refusalIn(response) !== undefined) return response;
  return asRefusal(response, await reasonIn(response));
}

async function reasonIn(response: Response): Promise<string> {
  try {
    const { error } = (await response.clone().json()) as { error?: { message?: unknown } };
    if (typeof error?.message === 'string') return error.message;
  } catch {
    // Not every refusal has a body.
  }
  return `answered with ${response.status}`;
}
