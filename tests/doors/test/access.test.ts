import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accessTable, type CredentialName, credentialNames, type ToolName, tools } from '../src/access-table.ts';
import { credentials } from '../src/credentials.ts';
import { networkFaces, type OpenFace, processFaces } from '../src/faces.ts';
import { renderTable } from '../src/render-table.ts';
import { startTokenIssuer, type TokenIssuer } from '../src/token-issuer.ts';
import { createWorld, type World } from '../src/world.ts';

let issuer: TokenIssuer;
beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer[Symbol.asyncDispose]());

const toolNames = Object.keys(tools) as ToolName[];

const showing = (credential: CredentialName, world: World) => (credential === 'owner of the process' ? {} : credentials[credential](world));
const facesFor = (credential: CredentialName): Readonly<Record<string, OpenFace>> => (credential === 'owner of the process' ? processFaces : networkFaces);

const cases = accessTable.flatMap(({ credential, zones, answers }) =>
  zones.flatMap((zone) => Object.entries(facesFor(credential)).map(([face, open]) => ({ credential, zone, face, open, answers }))),
);

describe('the table of who may do what', () => {
  it('has every credential in every zone it can come from, once', () => {
    const rows = accessTable.flatMap(({ credential, zones }) => zones.map((zone) => `${credential}, ${zone}`));
    const expected = credentialNames.flatMap((credential) =>
      (credential === 'owner of the process' ? ['local'] : ['local', 'trusted', 'external']).map((zone) => `${credential}, ${zone}`),
    );
    expect(rows.toSorted()).toEqual(expected.toSorted());
  });

  it('is the page docs/access-matrix.md', async () => {
    const faces = { network: Object.keys(networkFaces), process: Object.keys(processFaces) };
    await expect(renderTable(accessTable, faces)).toMatchFileSnapshot('../../../docs/access-matrix.md');
  });

  it.each(cases)('holds for $credential, $zone, $face', async ({ credential, zone, open, answers }) => {
    const world = createWorld({ issuer });
    const shown = await showing(credential, world);
    // What it took to get the credential is on record already.
    const earlier = (await world.log.list()).length;
    const caller = await open(world, shown, zone);
    if (answers === 401 || typeof caller === 'number') {
      expect(caller).toBe(answers);
      expect(await world.log.list()).toHaveLength(earlier + 1);
      await world.hub.close();
      return;
    }
    for (const tool of toolNames) {
      const before = await world.log.list();
      const seen = await caller.call(tool);
      expect([tool, seen]).toEqual([tool, answers[tool]]);
      const records = await world.log.list();
      expect(records).toHaveLength(before.length + 1);
      const refused = answers[tool] === 'ok' ? [] : answers[tool];
      expect(records[0]).toMatchObject({ name: tool, outcome: refused.length === 0 ? 'ok' : 'denied', principal: { zone } });
      if (refused.length > 0) expect(records[0]?.decisions).toEqual([expect.objectContaining({ by: 'guardian', effect: 'deny', policies: refused })]);
    }
    const listed = (await caller.list()).filter((name) => name in tools);
    expect(listed.toSorted()).toEqual(toolNames.filter((tool) => answers[tool] === 'ok').toSorted());
    await caller.close();
    await world.hub.close();
  });
});
