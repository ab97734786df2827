import type { EngineName } from './engine.ts';
import { isReady } from './is-ready.ts';
import { recipes } from './recipes.ts';

/**
 * The URL of a server that runs anyway: the one `MESHWORK_TEST_POSTGRES_URL` (or `…_REDIS_URL`, `…_NATS_URL`) names, or one at the usual local
 * address. Tests share it with others and use names of their own.
 */
export async function sharedEngine(name: EngineName): Promise<string | undefined> {
  const named = process.env[urlVariable(name)];
  if (named !== undefined && named !== '') return named;
  const { usualUrl, greeting } = recipes[name];
  const { hostname, port } = new URL(usualUrl);
  return (await isReady(hostname, Number(port), greeting)) ? usualUrl : undefined;
}

/** The environment variable that names a server for the tests. */
export function urlVariable(name: EngineName): string {
  return `MESHWORK_TEST_${name.toUpperCase()}_URL`;
}
