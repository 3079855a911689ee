import type { Commit } from "./source.ts";

/** More than anybody reads, and far below what an execution's input and a stored item may hold. */
const longest = { name: 200, subject: 500 } as const;
/** RFC 5321 allows less, so a cut address is nobody's (domain/approval/canonicalize-email.ts). */
const longestEmail = 400;

const cut = (text: string, limit: number): string =>
  text.length <= limit ? text : `${text.slice(0, limit - 1).toWellFormed()}…`;

/** A commit with texts of limited length: git takes any, and whoever commits would stop the delivery of a whole push. */
export const limitCommit = ({ author, subject, ...commit }: Commit): Commit => ({
  ...commit,
  author: { name: cut(author.name, longest.name), email: cut(author.email, longestEmail) },
  subject: cut(subject, longest.subject),
});
