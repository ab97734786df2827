import { MeshworkError } from '@meshwork/core';
import { CommanderError } from 'commander';
import { CliError } from './cli-error.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { type Io, processIo } from './io.ts';
import { createProgram } from './program.ts';

/** Runs the program with arguments (without the program's own name) and returns its exit code. It never throws. */
export async function runCli(argv: readonly string[], io: Io = processIo): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok;
  const json = argv.includes('--json');
  try {
    await createProgram(io, (finished) => {
      code = finished;
    }).parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    return report(error, json, io);
  }
}

function report(error: unknown, json: boolean, io: Io): ExitCode {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.ok;
    if (json) io.out(`${JSON.stringify({ error: { code: 'USAGE', message: error.message } })}\n`);
    return exitCodes.usage;
  }
  const { code, message } = MeshworkError.isInstance(error) ? error : { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) };
  if (json) io.out(`${JSON.stringify({ error: { code, message } })}\n`);
  else io.err(`meshwork: ${message}\n`);
  return error instanceof CliError ? error.exitCode : code === 'INVALID_INPUT' || code === 'POLICY_INVALID' ? exitCodes.usage : exitCodes.refused;
}
