import { Agent, request } from 'node:http';

export interface LoadOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly connections: number;
  readonly durationMs: number;
  /** Checks an answer; a load that gets wrong answers measures nothing. */
  readonly check: (status: number, body: string) => void;
}

/** Keeps `connections` requests in flight for `durationMs` and returns how many were answered per second. */
export async function load({ url, headers, body, connections, durationMs, check }: LoadOptions): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const bytes = Buffer.from(body);
  const once = () =>
    new Promise<void>((resolve, reject) => {
      const outgoing = request(url, { method: 'POST', agent, headers: { ...headers, 'content-length': bytes.length } }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => {
          try {
            check(response.statusCode ?? 0, text);
            resolve();
          } catch (error) {
            reject(error);
          }
        });
      });
      outgoing.on('error', reject);
      outgoing.end(bytes);
    });
  let answered = 0;
  const started = performance.now();
  const worker = async () => {
    while (performance.now() - started < durationMs) {
      await once();
      answered += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  const seconds = (performance.now() - started) / 1_000;
  agent.destroy();
  return answered / seconds;
}
