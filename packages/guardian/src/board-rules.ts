/** Who may read and write the keys of a board that begin with a prefix; of several rules that of the longest prefix counts. */
export interface BoardRule {
  readonly board: string;
  /** Empty: all keys that no other rule names, and the board as a whole. */
  readonly prefix: string;
  /** Who may: `agent:NAME`, `user:NAME`, `role:NAME`, or `*` for whoever else the policies permit. Absent: as with `*`. Admins always may. */
  readonly read?: readonly string[];
  readonly write?: readonly string[];
}

const PARTY = /^(?:\*|(?:agent|user|role):.{1,256})$/su;

/**
 * The rules as Cedar policies, to stand beside others: they forbid, and so hold whatever else is permitted.
 *
 * @throws {TypeError} when a party is none, or two rules have one board and prefix.
 */
export function boardPolicies(rules: readonly BoardRule[]): string {
  const seen = new Set<string>();
  for (const { board, prefix, read = [], write = [] } of rules) {
    const place = JSON.stringify([board, prefix]);
    if (seen.has(place)) throw new TypeError(`the board ${JSON.stringify(board)} has two rules for the prefix ${JSON.stringify(prefix)}; make one of them`);
    seen.add(place);
    for (const party of [...read, ...write])
      if (!PARTY.test(party)) throw new TypeError(`${JSON.stringify(party)} must be agent:NAME, user:NAME, role:NAME or *`);
  }
  return rules.flatMap((rule, index) => (['read', 'write'] as const).map((action) => policyOf(rules, rule, index, action))).join('');
}

function policyOf(rules: readonly BoardRule[], { board, prefix, ...lists }: BoardRule, index: number, action: 'read' | 'write'): string {
  const parties = lists[action];
  if (parties === undefined || parties.includes('*')) return '';
  const narrower = rules.filter((other) => other.board === board && other.prefix.length > prefix.length && other.prefix.startsWith(prefix));
  const about = [`resource.board == ${quoted(board)}`, like(prefix), ...narrower.map((other) => `!(${like(other.prefix)})`)];
  return `
@id(${quoted(`board-rule-${index + 1}-${action}`)})
@reason(${quoted(`the rules of the board ${board} name who may ${action} ${prefix === '' ? 'it' : `keys that begin with ${prefix}`}`)})
forbid (principal, action == Meshwork::Action::"${action}Board", resource)
when { ${about.join(' && ')} }
unless { ${['role:admin', ...parties].map(isParty).join(' || ')} };
`;
}

function isParty(party: string): string {
  const end = party.indexOf(':');
  const name = quoted(party.slice(end + 1));
  switch (party.slice(0, end)) {
    case 'agent':
      return `principal == Meshwork::Agent::${name}`;
    case 'user':
      return `principal == Meshwork::User::${name}`;
    default:
      return `principal in Meshwork::Role::${name}`;
  }
}

function like(prefix: string): string {
  return `resource.key like "${escaped(prefix).replaceAll('*', '\\*')}*"`;
}

function quoted(text: string): string {
  return `"${escaped(text)}"`;
}

/** Cedar's escapes, which are not JSON's. */
function escaped(text: string): string {
  return text.replace(/["\\\p{C}\p{Z}]/gu, (character) => {
    if (character === ' ') return character;
    return character === '"' || character === '\\' ? `\\${character}` : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
