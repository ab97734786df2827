import { defineConfig } from 'vitest/config';
import { skippedSuites } from './scripts/skipped-suites.mjs';

export default defineConfig({ test: { projects: ['packages/*', 'examples/*', 'tests/*'], reporters: ['default', skippedSuites()] } });
