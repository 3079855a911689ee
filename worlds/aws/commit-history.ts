import type { Secrets } from "#platform/secrets/secrets.ts";
import { createCodeCommitHistory } from "#platform/source/codecommit-history.ts";
import { createGitHubHistory } from "#platform/source/github-history.ts";
import type { CommitHistory } from "#platform/source/source.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";
import { selectSourceHost } from "./select-source-host.ts";

/** Who made what in the repository, from the host that the environment names. */
export const createCommitHistory = (env: GroupVariables<"source">, secrets: Secrets): CommitHistory =>
  selectSourceHost(env, secrets, { codecommit: createCodeCommitHistory, github: createGitHubHistory });
