import type { Secrets } from "#platform/secrets/secrets.ts";
import { createCodeCommitSource } from "#platform/source/codecommit.ts";
import type { OpenGitBlob } from "#platform/source/codecommit-clone.ts";
import { createGitHubSource } from "#platform/source/github.ts";
import type { Source } from "#platform/source/source.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";
import { selectSourceHost } from "./select-source-host.ts";

type Needs = {
  readonly env: GroupVariables<"source">;
  readonly secrets: Secrets;
  /** Reads what CodeCommit's API does not return; only a build has a disk for a clone. */
  readonly openLargeBlob?: OpenGitBlob;
};

/** The repository at the host that the environment names. */
export const createSource = ({ env, secrets, openLargeBlob }: Needs): Source =>
  selectSourceHost(
    env,
    secrets,
    { codecommit: createCodeCommitSource, github: createGitHubSource },
    openLargeBlob,
  );
