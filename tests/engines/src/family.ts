import { readdirSync, readFileSync } from 'node:fs';

/** A process and all that descend from it: PostgreSQL's workers are in sessions of their own, where a signal to the group does not find them. */
export function familyOf(pid: number): readonly number[] {
  const parents = new Map(processes().map((each) => [each, parentOf(each)]));
  const family = [pid];
  for (const member of family) for (const [child, parent] of parents) if (parent === member) family.push(child);
  return family;
}

function processes(): readonly number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function parentOf(pid: number): number | undefined {
  try {
    // The second field is the program's name in parentheses, which may hold anything.
    return Number(
      readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) \S /s, '')
        .split(' ')[0],
    );
  } catch {
    return undefined;
  }
}
