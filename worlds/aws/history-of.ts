import type { Secrets } from "#platform/secrets/secrets.ts";
import { createCodeCommitHistory } from "#platform/source/codecommit-history.ts";
import { createGitHubHistory } from "#platform/source/github-history.ts";
import type { CommitHistory } from "#platform/source/source.ts";
import type { GroupVariables } from "./environment/environment-parts.ts";
import { selectSourceHost } from "./repository-of.ts";

/** Who made what in the repository at the host that the environment names. */
export const createCommitHistory = (env: GroupVariables<"source">, secrets: Secrets): CommitHistory =>
  selectSourceHost(env, secrets, { codecommit: createCodeCommitHistory, github: createGitHubHistory });
