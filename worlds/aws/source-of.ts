import type { Secrets } from "#platform/secrets/secrets.ts";
import { codeCommitSource } from "#platform/source/codecommit.ts";
import { gitHubSource } from "#platform/source/github.ts";
import type { Source } from "#platform/source/source.ts";
import type { Variables } from "./environment/environment-parts.ts";
import { repositoryOf } from "./repository-of.ts";

/** The repository at the host that the environment names. */
export const sourceOf = (env: Variables<"source">, secrets: Secrets): Source =>
  repositoryOf(env, secrets, { codecommit: codeCommitSource, github: gitHubSource });
