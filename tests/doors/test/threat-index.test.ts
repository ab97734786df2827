import { describe, expect, it } from 'vitest';
import { renderThreats } from '../src/render-threats.ts';
import { findThreatTests, threatTestsIn } from '../src/threat-tests.ts';
import { threats } from '../src/threats.ts';

/** Threats whose defence is being built; each goes from here with its first test. */
const beingBuilt: readonly string[] = [];

describe('the index of threats', () => {
  const tests = findThreatTests();

  it('has a test for each threat, but for those that are being built', () => {
    const tested = new Set(tests.flatMap(({ ids }) => ids));
    expect(threats.map(({ id }) => id).filter((id) => !tested.has(id))).toEqual(beingBuilt);
  });

  it('has every threat that a test names, and each once', () => {
    const ids = threats.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { ids: named, file } of tests) for (const id of named) expect([file, ids]).toEqual([file, expect.arrayContaining([id])]);
  });

  it('is the page docs/threats.md', async () => {
    await expect(renderThreats(threats, tests)).toMatchFileSnapshot('../../../docs/threats.md');
  });

  it('finds titles of tests, and none of what does not run or is no title', () => {
    const text = [
      "describe('T01: a nonce', () => {",
      '  it("T02, T03: another’s", () => {});',
      "  it.each([1])('T04: case %s', () => {});",
      "  ])('T05: a table', () => {});",
      "  describe.skip('T06: skipped', () => {});",
      "  it.todo('T07: to do');",
      "  it.fails('T08: fails', () => {});",
      "  const title = 'T09: no title';",
      "  it('is about T10: not at its beginning', () => {});",
    ].join('\n');
    expect(threatTestsIn(text).map(({ ids, title }) => [ids.join(' '), title])).toEqual([
      ['T01', 'a nonce'],
      ['T02 T03', 'T01: a nonce › another’s'],
      ['T04', 'T01: a nonce › case %s'],
      ['T05', 'T01: a nonce › a table'],
    ]);
  });
});
