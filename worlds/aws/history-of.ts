import type { Secrets } from "#platform/secrets/secrets.ts";
import { codeCommitHistory } from "#platform/source/codecommit-history.ts";
import { gitHubHistory } from "#platform/source/github-history.ts";
import type { CommitHistory } from "#platform/source/source.ts";
import type { Variables } from "./environment/environment-parts.ts";
import { repositoryOf } from "./repository-of.ts";

/** Who made what in the repository at the host that the environment names. */
export const historyOf = (env: Variables<"source">, secrets: Secrets): CommitHistory =>
  repositoryOf(env, secrets, { codecommit: codeCommitHistory, github: gitHubHistory });
