import { parseCoAuthors } from "#platform/source/parse-co-authors.ts";
import type { HistoryCommit } from "#platform/source/source.ts";
import type { Account, ListedCommit } from "./response-schemas.ts";

/** The committer of commits that GitHub's pages created; GitHub signs them with its own key. */
const gitHubEmail = "noreply@github.com";

export const toNode = ({ sha, parents }: ListedCommit): Pick<HistoryCommit, "id" | "parents"> => ({
  id: sha,
  parents: parents.map((parent) => parent.sha),
});

/** `github:ada`; null: GitHub names no account. */
export const toLogin = (account: Account): string | null =>
  account?.login === undefined ? null : `github:${account.login}`;

export const toSignature = ({ commit, committer }: ListedCommit): HistoryCommit["signature"] => {
  if (!commit.verification?.verified) return { by: "nobody" };
  if (commit.committer?.email === gitHubEmail) return { by: "host" };
  const login = toLogin(committer);
  return login === null ? { by: "nobody" } : { by: "account", login };
};

export const toHistoryCommit = (listed: ListedCommit, changes: HistoryCommit["changes"]): HistoryCommit => ({
  ...toNode(listed),
  author: listed.commit.author ?? { name: "", email: "" },
  committer: listed.commit.committer ?? { name: "", email: "" },
  coAuthors: parseCoAuthors(listed.commit.message),
  changes,
  signature: toSignature(listed),
  authorAccount: toLogin(listed.author),
});
