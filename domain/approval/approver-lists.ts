import * as z from "zod";
import { isUserGroup } from "#model-folder/manifest/manifest.ts";

/** Who may approve where a rule names user groups. */
export const ApproverGroups = z.object({
  /** Users and groups of the manifest, and of each policy: an approver is in all of them. */
  lists: z.array(z.array(z.string())),
  /** The groups' members when the approval was requested. */
  members: z.array(z.object({ group: z.string(), users: z.array(z.string()) })),
});
export type ApproverGroups = z.infer<typeof ApproverGroups>;

export type GroupMembers = ReadonlyMap<string, readonly string[]>;

export const listGroups = (lists: readonly (readonly string[])[]): readonly string[] => [
  ...new Set(lists.flat().filter(isUserGroup)),
];

/** The users that every list names, itself or by a group; those of the first list's order. A group without members names nobody. */
export const expandApprovers = (
  lists: readonly (readonly string[])[],
  members: GroupMembers,
): readonly string[] => {
  const [first = [], ...others] = lists.map(
    (list) => new Set(list.flatMap((id) => (isUserGroup(id) ? (members.get(id) ?? []) : [id]))),
  );
  return [...first].filter((user) => others.every((users) => users.has(user)));
};

/** Whether a user is an approver only as a member of a group, and so only while they are one. */
export const needsMembership = (lists: readonly (readonly string[])[] | undefined, user: string): boolean =>
  lists?.some((list) => !list.includes(user)) ?? false;
