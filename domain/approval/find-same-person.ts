import { findPerson } from "./compute-quorum.ts";
import type { Identities } from "./identities.ts";

type Account = { readonly user: string; readonly email: string };

/**
 * Approvers who are several accounts of one person: by the platform's map, otherwise by the address that Slack shows. A
 * group of accounts for each such person; none for the others.
 * @param listed accounts whose Slack id the map lists, with their person
 * @param shown addresses in Slack
 */
export const findSamePerson = (
  identities: Identities,
  { listed, shown }: { readonly listed: readonly Account[]; readonly shown: readonly Account[] },
): string[][] => {
  const accounts = new Map<string, string[]>();
  const people = new Map([
    ...shown.flatMap(({ user, email }) => {
      const person = findPerson(identities, email);
      return person === undefined ? [] : [[user, person] as const];
    }),
    // The map is confirmed by two people; an address in Slack is its user's own.
    ...listed.map(({ user, email }) => [user, email] as const),
  ]);
  for (const [user, person] of people) accounts.set(person, [...(accounts.get(person) ?? []), user]);
  return [...accounts.values()].filter((users) => users.length > 1);
};

/** Whether two Slack ids are accounts of one person, as far as it was known when the approval was requested. */
export const isSamePerson = (
  groups: readonly (readonly string[])[] | undefined,
  one: string,
  other: string,
): boolean =>
  one === other || (groups?.some((users) => users.includes(one) && users.includes(other)) ?? false);
