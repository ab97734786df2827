import { resolve } from 'node:path';
import type { CommandContext } from '../command-context.ts';
import { configJsonSchema } from '../config/config-schema.ts';
import { loadConfig } from '../config/load-config.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { hideSecrets } from '../store/store-url.ts';

export function printSchema({ io }: CommandContext): ExitCode {
  io.out(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`);
  return exitCodes.ok;
}

export async function checkConfig(context: CommandContext, file: string): Promise<ExitCode> {
  const config = await loadConfig(resolve(context.io.cwd, file), context.io.env);
  const shown = {
    ...config,
    ...(config.store !== undefined && { store: hideSecrets(config.store) }),
    ...(config.peers !== undefined && { peers: config.peers.map(({ key, ...peer }) => ({ ...peer, ...(key !== undefined && { key: 'hidden' }) })) }),
  };
  context.print({ ok: true, config: shown }, () => `${file} is fine.`);
  return exitCodes.ok;
}
