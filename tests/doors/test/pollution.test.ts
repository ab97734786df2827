import { describe, expect, it } from 'vitest';
import type { Pollution } from '../src/polluter.ts';
import { runProgram } from '../src/run-program.ts';

describe('T18: JSON that reaches for prototypes, through every face', () => {
  it.each(['watched', 'frozen'])('changes nothing and breaks nothing, with prototypes %s', async (prototypes) => {
    const { sent, ...found } = JSON.parse(await runProgram('polluter.ts', prototypes)) as Pollution;
    expect(found).toEqual({ broken: [], changed: [], seen: [], works: true });
    expect(sent).toBeGreaterThan(300);
  });
});
