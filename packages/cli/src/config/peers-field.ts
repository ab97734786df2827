import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { McpPeerLinkOptions } from '../boards/mcp-peer-link.ts';
import { usageError } from '../cli-error.ts';
import { createHubFetch } from '../login/hub-fetch.ts';
import { readTlsIdentity } from '../trusting-fetch.ts';

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be 1 to 64 of A-Z a-z 0-9 . _ - and start with a letter or a digit');
const file = z.string().min(1).optional();

/** The part of the configuration file about the hubs that share boards with this one. */
export const peersField = z
  .array(
    z.strictObject({
      name: name.describe('What it is called here.'),
      agent: name
        .optional()
        .describe('The agent as which it comes to this hub; add it with "meshwork agent add", and give the peer its key. Default its name.'),
      url: z
        .url({ protocol: /^https?$/ })
        .optional()
        .describe('Where this hub reaches it, as in https://b.example/mcp. Without one it has to come by itself.'),
      key: z.string().min(1).optional().describe('The key this hub shows it. Write it as a variable of the environment.'),
      keyFile: file.describe('Or a file that holds it.'),
      ca: file.describe('File with the authority of its certificate in PEM. Default those of this machine.'),
      cert: file.describe('File with a certificate to show it, in PEM.'),
      certKey: file.describe('File with the key of that certificate.'),
    }),
  )
  .max(100)
  .optional();

/** A hub that shares boards with this one. */
export interface PeerSettings {
  readonly name: string;
  /** Who it is here. */
  readonly agent: string;
  /** How it is reached. Absent: it has to come by itself. */
  readonly link: Omit<McpPeerLinkOptions, 'peer'> | undefined;
}

/** What the file says, with the keys read. @throws {CliError} that says which peer cannot be. */
export function peersSettingsOf(config: z.infer<typeof peersField>, cwd: string): Promise<readonly PeerSettings[]> {
  const seen = new Set<string>();
  for (const { name, agent = name } of config ?? [])
    for (const each of [`name ${name}`, `agent ${agent}`]) {
      if (seen.has(each)) throw usageError(`two peers in the configuration have the ${each}; each needs its own`);
      seen.add(each);
    }
  return Promise.all((config ?? []).map((peer) => peerOf(peer, cwd)));
}

async function peerOf(
  { name, agent = name, url, key, keyFile, ca, cert, certKey }: NonNullable<z.infer<typeof peersField>>[number],
  cwd: string,
): Promise<PeerSettings> {
  if (url === undefined) return { name, agent, link: undefined };
  if (key !== undefined && keyFile !== undefined) throw usageError(`the peer ${name} in the configuration has a key and a keyFile; leave one out`);
  const at = (path: string | undefined) => (path === undefined ? undefined : resolve(cwd, path));
  const shown = keyFile === undefined ? key : await readKey(resolve(cwd, keyFile), name);
  const identity = await readTlsIdentity({ ca: at(ca), cert: at(cert), certKey: at(certKey) });
  const endpoint = new URL(url);
  if (endpoint.pathname === '/') endpoint.pathname = '/mcp';
  return { name, agent, link: { url: endpoint.href, ...(shown !== undefined && { key: shown }), fetch: createHubFetch(identity ?? {}) } };
}

async function readKey(path: string, name: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch {
    throw usageError(`the key of the peer ${name} cannot be read from ${path}; check that the file is there and yours`);
  }
}
