import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type AuditLog, audit } from '@meshwork/audit';
import { createHub, type Hub, type Module, UnavailableError } from '@meshwork/core';
import { type Guardian, guardian, standardPolicies, standardResourceTypes, standardSchema } from '@meshwork/guardian';
import { createCedarEngine } from '@meshwork/guardian/cedar';
import { openSqlite } from '@meshwork/store-sqlite';
import { type DataFolder, prepareFolder, writeAdminKey } from './data-folder.ts';
import { version } from './version.ts';

export interface StartHubOptions {
  readonly folder: DataFolder;
  readonly guardian?: {
    readonly grantTtlMs?: number;
    readonly trustedNetworks?: readonly string[];
    readonly resourceTypes?: readonly { readonly name: string; readonly everyday: boolean; readonly remote: boolean }[];
    /** Files with Cedar policies that take the place of the standard ones. */
    readonly policyFiles?: readonly string[];
  };
  readonly instructions?: string;
  /** Further modules of the application. */
  readonly modules?: readonly Module[];
  readonly onError?: (error: unknown) => void;
}

export interface RunningHub extends AsyncDisposable {
  readonly hub: Hub;
  readonly guardian: Guardian;
  readonly audit: AuditLog;
  /** True when this start made the admin key. */
  readonly madeAdminKey: boolean;
  close(): Promise<void>;
}

/** Wires store, audit and guardian into a hub on a data folder: what `meshwork up` runs. */
export async function startHub({ folder, guardian: rules = {}, instructions, modules = [], onError = () => {} }: StartHubOptions): Promise<RunningHub> {
  const policies = rules.policyFiles === undefined ? standardPolicies : await readPolicies(rules.policyFiles);
  const engine = createCedarEngine({ policies, schema: standardSchema });
  await prepareFolder(folder);
  const store = await openSqlite({ path: folder.database });
  try {
    const guard = guardian({
      store,
      engine,
      resourceTypes: rules.resourceTypes ?? standardResourceTypes,
      networks: { trusted: rules.trustedNetworks ?? [] },
      ...(rules.grantTtlMs !== undefined && { grantTtlMs: rules.grantTtlMs }),
    });
    const log = audit({ journal: store });
    const hub = createHub({
      modules: [log, guard, ...modules],
      info: { name: 'meshwork', title: 'Meshwork hub', version },
      instructions: instructions ?? 'Ask request_permission before you use a guarded resource. A refusal says which policy decided and what to do.',
      onError,
    });
    const madeAdminKey = !(await guard.hasAdmin());
    if (madeAdminKey) await writeAdminKey(folder, await guard.createAdminKey());
    const close = async () => {
      await hub.close();
      await store.close();
    };
    return { hub, guardian: guard, audit: log, madeAdminKey, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function readPolicies(files: readonly string[]): Promise<string> {
  const texts = files.map(async (file) => {
    try {
      return await readFile(resolve(file), 'utf8');
    } catch (cause) {
      throw new UnavailableError(`the policy file ${file} cannot be read`, { cause });
    }
  });
  return (await Promise.all(texts)).join('\n');
}
