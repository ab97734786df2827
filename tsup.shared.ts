import { defineConfig, type Options } from 'tsup';

/** JavaScript only: the declarations come from `tsc`, which keeps one file per module. */
export const library = (entry: string[], extra: Options = {}) =>
  defineConfig({ entry, format: 'esm', target: 'node22', dts: false, sourcemap: true, clean: true, removeNodeProtocol: false, ...extra });
