/** What a roster keeps on each of its members. */
export interface Enrolled {
  /** Where it stands; the roster's own. */
  place: number;
}

/**
 * Members that come and go, thousands of times a second. Not a `Set`: V8 makes a set's table anew after so many additions and links the old
 * table to the new one, so that a garbage collector that looks at young objects only keeps everything that was ever in it alive.
 */
export interface Roster<Member extends Enrolled> {
  readonly size: number;
  add(member: Member): void;
  delete(member: Member): void;
  /** Those that are in it now. */
  members(): readonly Member[];
}

export function createRoster<Member extends Enrolled>(): Roster<Member> {
  const members: Member[] = [];
  return {
    get size() {
      return members.length;
    },
    add(member) {
      member.place = members.length;
      members.push(member);
    },
    delete(member) {
      const last = members.pop();
      if (last === undefined || last === member) return;
      members[member.place] = last;
      last.place = member.place;
    },
    members: () => [...members],
  };
}
