import { ask } from './ask.ts';
import type { Link } from './link.ts';

/** JetStream said no. `code` is its `err_code`. */
export class ApiError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

interface ApiAnswer {
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string };
}

/**
 * One request to JetStream's management API, which may be asked twice (https://docs.nats.io/reference/reference-protocols/nats_api_reference).
 *
 * @throws {ApiError} when it was refused, {@link UnavailableError} when nobody answers.
 */
export async function callApi<T>(link: Link, subject: string, body: object = {}): Promise<T> {
  const { error, ...rest } = (await ask(link, `$JS.API.${subject}`, JSON.stringify(body))).json<ApiAnswer>();
  if (error !== undefined) throw new ApiError(error.err_code ?? error.code, error.description ?? 'no reason given');
  return rest as T;
}
