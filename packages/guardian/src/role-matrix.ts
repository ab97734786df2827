import type { Effect } from '@meshwork/core';

/** Who callers are to the matrix: without a credential, with one, or with the role `admin`. */
export type MatrixRole = 'anonymous' | 'authenticated' | 'admin';

/** The strongest effect of a category's tools that a role may use: `write` includes `read`, and `admin` both. */
export type MatrixAccess = 'none' | Effect;

/** For each category of tools, what each role may do. Categories that are not in it are left to the other policies. */
export type RoleMatrix = Readonly<Record<string, Readonly<Record<MatrixRole, MatrixAccess>>>>;

/** The matrix of a hub that names none. */
export const standardRoleMatrix: RoleMatrix = {
  communication: { anonymous: 'none', authenticated: 'write', admin: 'admin' },
  coordination: { anonymous: 'none', authenticated: 'write', admin: 'admin' },
  skills: { anonymous: 'none', authenticated: 'write', admin: 'admin' },
  knowledge: { anonymous: 'none', authenticated: 'write', admin: 'admin' },
  monitoring: { anonymous: 'none', authenticated: 'read', admin: 'admin' },
  evolution: { anonymous: 'none', authenticated: 'none', admin: 'admin' },
};

const roles: readonly MatrixRole[] = ['anonymous', 'authenticated', 'admin'];
const accesses: readonly MatrixAccess[] = ['none', 'read', 'write', 'admin'];
const CATEGORY = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

/** Cedar's words for a role. */
const isRole: Readonly<Record<MatrixRole, string>> = {
  anonymous: 'principal is Meshwork::Anonymous',
  authenticated: '!(principal is Meshwork::Anonymous) && !(principal in Meshwork::Role::"admin")',
  admin: 'principal in Meshwork::Role::"admin"',
};

/** Cedar's words for the effects that an access includes, and for those beyond it. */
const within: Readonly<Record<MatrixAccess, string>> = { none: '', read: ' && resource.effect == "read"', write: ' && resource.effect != "admin"', admin: '' };
const beyond: Readonly<Record<MatrixAccess, string>> = { none: '', read: ' && resource.effect != "read"', write: ' && resource.effect == "admin"', admin: '' };

const who: Readonly<Record<MatrixRole, string>> = {
  anonymous: 'callers without a credential',
  authenticated: 'callers that are no admin',
  admin: 'admins',
};
const may: Readonly<Record<MatrixAccess, string>> = { none: 'not use', read: 'only read with', write: 'not administer with', admin: 'do all with' };

/**
 * The matrix as Cedar policies: for each role and access a permit of what it includes and a forbid, with its reason, of what lies beyond.
 * The forbids make the matrix hold whatever else the policies permit.
 *
 * @throws {TypeError} when a category is not a plain word, or an access is none.
 */
export function rolePolicies(matrix: RoleMatrix): string {
  for (const [category, cells] of Object.entries(matrix)) {
    if (!CATEGORY.test(category)) throw new TypeError(`the category ${JSON.stringify(category)} must be 1 to 64 of A-Z a-z 0-9 _ . - and start with a letter`);
    for (const role of roles)
      if (!accesses.includes(cells[role]))
        throw new TypeError(`the access of ${role} to ${category} is ${JSON.stringify(cells[role])}; it must be one of ${accesses.join(', ')}`);
  }
  return roles.flatMap((role) => accesses.flatMap((access) => policiesOf(role, access, categoriesWith(matrix, role, access)))).join('\n');
}

function categoriesWith(matrix: RoleMatrix, role: MatrixRole, access: MatrixAccess): string[] {
  return Object.keys(matrix).filter((category) => matrix[category]?.[role] === access);
}

function policiesOf(role: MatrixRole, access: MatrixAccess, categories: readonly string[]): string[] {
  if (categories.length === 0) return [];
  const subject = `${isRole[role]} && ${JSON.stringify(categories)}.contains(resource.category)`;
  const id = `matrix-${role}-${access}`;
  const permit = `@id("${id}")
permit (principal, action == Meshwork::Action::"call", resource)
when { ${subject}${within[access]} };
`;
  const forbid = `@id("${id}${access === 'none' ? '' : '-only'}")
@reason("${who[role]} may ${may[access]} tools of ${listed(categories)}")
forbid (principal, action == Meshwork::Action::"call", resource)
when { ${subject}${beyond[access]} };
`;
  return [...(access === 'none' ? [] : [permit]), ...(access === 'admin' ? [] : [forbid])];
}

function listed(words: readonly string[]): string {
  return words.length === 1 ? String(words[0]) : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
