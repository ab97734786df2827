/**
 * `node:sqlite` warns that it is experimental when it is loaded; that is our choice and no news to a user. Other warnings pass. Nothing is
 * waited for in between, so that the process's own function is back before anybody else can run.
 */
export function loadSqlite(): typeof import('node:sqlite') {
  const emit = process.emitWarning;
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    if (String(warning).includes('SQLite')) return;
    (emit as (...all: unknown[]) => void).call(process, warning, ...rest);
  }) as typeof process.emitWarning;
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emit;
  }
}
