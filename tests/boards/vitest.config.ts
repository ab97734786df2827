import { defineConfig, mergeConfig } from 'vitest/config';
import shared from '../../vitest.shared.ts';

/** One file after the other: each measures how fast a hub answers, and two at once would measure each other. */
export default mergeConfig(shared, defineConfig({ test: { fileParallelism: false } }));
