import { findPerson } from "#domain/approval/compute-quorum.ts";
import type { Identities } from "#domain/approval/identities.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import type { Reply } from "./derive-replies.ts";

/**
 * Whom a reply mentions, by the platform's map: the address of a commit is often one that Slack does not know, for example
 * a code host's noreply address. A person whose Slack id the map lists needs no look-up; of another mapped person the
 * address of the map is looked up; an address that nobody lists stays as it is.
 */
export const resolveMentions = (
  identities: Identities,
  { users, addresses }: Reply["mentions"],
): Reply["mentions"] => {
  const resolved = addresses.map((address) => {
    const person = findPerson(identities, address);
    const entry = person === undefined ? undefined : getOwnProperty(identities.people, person);
    return { user: entry?.slack, address: entry && person !== undefined ? person : address };
  });
  return {
    users: [...new Set([...users, ...resolved.flatMap(({ user }) => (user === undefined ? [] : [user]))])],
    addresses: [...new Set(resolved.flatMap(({ user, address }) => (user === undefined ? [address] : [])))],
  };
};
