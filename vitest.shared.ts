import { defineConfig } from 'vitest/config';

/** Tests run against sources: the condition `@meshwork/source` crosses package borders without a build. */
export default defineConfig({
  resolve: { conditions: ['@meshwork/source', 'module', 'node', 'development'] },
  ssr: { resolve: { conditions: ['@meshwork/source', 'module', 'node', 'development'] } },
  test: {
    include: ['test/**/*.test.ts'],
    mockReset: true,
    unstubEnvs: true,
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // Machines are busy: a poll waits for what it is asked for, not for a second.
    expect: { poll: { timeout: 30_000 } },
  },
});
