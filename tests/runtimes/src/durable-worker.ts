// Runs under workerd as a Durable Object: one place for all requests, which may then touch what another began.
import worker from './plain-worker.ts';

export class HubObject {
  fetch(request: Request): Promise<Response> {
    return worker.fetch(request);
  }
}

interface Environment {
  readonly HUB: { idFromName(name: string): unknown; get(id: unknown): { fetch(request: Request): Promise<Response> } };
}

// biome-ignore lint/style/noDefaultExport: this is where workerd looks
export default {
  fetch: (request: Request, { HUB }: Environment): Promise<Response> => HUB.get(HUB.idFromName('hub')).fetch(request),
};
