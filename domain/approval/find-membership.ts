import type { Approval } from "./approval-records.ts";
import { expandApprovers, needsMembership } from "./approver-lists.ts";
import type { ReadGroups } from "./group-reader.ts";

/**
 * Whether a user is in the rule's groups now. Undefined: nobody has to know, because the rule names the user, or this world
 * reads no groups. Throws what `readGroups` throws.
 */
export const findMembership = async (
  readGroups: ReadGroups | undefined,
  { contributors }: Pick<Approval, "contributors">,
  user: string,
): Promise<boolean | undefined> => {
  const lists = contributors?.groups?.lists;
  if (!lists || !readGroups || !needsMembership(lists, user)) return undefined;
  return expandApprovers(lists, await readGroups(lists)).includes(user);
};
