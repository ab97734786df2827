import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { type Issued, issueToAgent, issueToServer, makeAuthority } from '../certificates/authority.ts';
import { CliError, usageError } from '../cli-error.ts';
import type { CommandContext } from '../command-context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';

/** Options of every `certs` command. */
export interface CertsOptions {
  /** Folder of the authority and what it makes; default `certs` in the data folder. */
  readonly dir?: string;
  readonly days?: string;
  /** Replace files that are there. */
  readonly force?: boolean;
}

/** Makes the authority of a trial. */
export async function initAuthority(
  context: CommandContext,
  { name = 'Meshwork trial authority', ...options }: CertsOptions & { readonly name?: string },
): Promise<ExitCode> {
  const days = daysOf(options.days, 365);
  const files = await save(context, options, 'ca', () => makeAuthority({ name, days }));
  context.print(files, () =>
    [
      `Made an authority for trials: ${shown(context, files.certificate)}`,
      `Keep ${shown(context, files.key)} to yourself: whoever has it can be any hub and any agent.`,
      '',
      'Next: meshwork certs server --host <name or address of the hub>',
    ].join('\n'),
  );
  return exitCodes.ok;
}

/** Makes a hub's certificate. */
export async function makeServerCertificate(
  context: CommandContext,
  { host, ...options }: CertsOptions & { readonly host: readonly string[] },
): Promise<ExitCode> {
  const days = daysOf(options.days, 90);
  const authority = await readAuthority(context, options);
  const files = await save(context, options, 'server', () => issueToServer(authority, { hosts: host, days }));
  const ca = join(folderOf(context, options), 'ca.crt');
  context.print({ ...files, ca }, () =>
    [
      `Made a certificate for ${host.join(', ')}.`,
      `Run the hub with it: meshwork up --tls-cert ${shown(context, files.certificate)} --tls-key ${shown(context, files.key)}`,
      `Its callers trust it with: meshwork … --ca ${shown(context, ca)}, or NODE_EXTRA_CA_CERTS`,
    ].join('\n'),
  );
  return exitCodes.ok;
}

/** Makes an agent's certificate. */
export async function makeClientCertificate(context: CommandContext, { agent, ...options }: CertsOptions & { readonly agent: string }): Promise<ExitCode> {
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(agent))
    throw usageError(`the agent name ${JSON.stringify(agent)} must be 1 to 64 of a-z 0-9 . _ - and start with a letter or digit`);
  const days = daysOf(options.days, 90);
  const authority = await readAuthority(context, options);
  const files = await save(context, options, `agent-${agent}`, () => issueToAgent(authority, { agent, days }));
  const ca = join(folderOf(context, options), 'ca.crt');
  context.print({ ...files, ca }, () =>
    [
      `Made a certificate for the agent ${agent}: ${shown(context, files.certificate)}, ${shown(context, files.key)}`,
      `The hub takes it when it runs with --tls-client-ca ${shown(context, ca)} and knows the agent (meshwork agent add ${agent}).`,
    ].join('\n'),
  );
  return exitCodes.ok;
}

function folderOf({ folder, io }: CommandContext, { dir }: CertsOptions): string {
  return dir === undefined ? join(folder.path, 'certs') : resolve(io.cwd, dir);
}

async function readAuthority(context: CommandContext, options: CertsOptions): Promise<Issued> {
  const folder = folderOf(context, options);
  try {
    const [certificate, key] = await Promise.all([readFile(join(folder, 'ca.crt'), 'utf8'), readFile(join(folder, 'ca.key'), 'utf8')]);
    return { certificate, key };
  } catch (cause) {
    throw new CliError('NOT_FOUND', `there is no authority in ${folder}; make one with "meshwork certs init", or pass --dir`, exitCodes.usage, { cause });
  }
}

interface Files {
  readonly certificate: string;
  readonly key: string;
}

/** Writes both files for the owner only. Without `force` none is replaced, and nothing is made when one is there. */
async function save(context: CommandContext, options: CertsOptions, name: string, make: () => Promise<Issued>): Promise<Files> {
  const folder = folderOf(context, options);
  const files: Files = { certificate: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { certificate, key } = await make();
  const written: string[] = [];
  try {
    for (const [file, text] of [
      [files.key, key],
      [files.certificate, certificate],
    ] as const) {
      if (options.force) await rm(file, { force: true });
      await writeFile(file, text, { flag: 'wx', mode: 0o600, flush: true });
      written.push(file);
    }
  } catch (cause) {
    await Promise.all(written.map((file) => rm(file, { force: true })));
    const { code, path } = cause as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw cause;
    throw new CliError('CONFLICT', `${path} is there already; add --force to replace it`, exitCodes.usage, { cause });
  }
  return files;
}

function daysOf(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^\d{1,4}$/.test(text) || Number(text) < 1) throw usageError(`--days must be a number from 1 to 9999, not ${JSON.stringify(text)}`);
  return Number(text);
}

function shown({ io }: CommandContext, file: string): string {
  const near = relative(io.cwd, file);
  return near.startsWith('..') ? file : near;
}
