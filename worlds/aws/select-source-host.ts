import { CodeCommitClient } from "@aws-sdk/client-codecommit";
import type { Secrets } from "#platform/secrets/secrets.ts";
import type { OpenGitBlob } from "#platform/source/codecommit-clone.ts";
import { type CodeCommitReader, createCodeCommitReader } from "#platform/source/codecommit-reader.ts";
import { createGitHubClient, type GitHubClient } from "#platform/source/github/github-client.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";

/**
 * What reads the repository at the host that the environment names; GitHub's token is the secret GITHUB_TOKEN.
 * @param openLargeBlob reads what CodeCommit's API does not return
 */
export const selectSourceHost = <Read>(
  env: GroupVariables<"source">,
  secrets: Secrets,
  on: {
    readonly codecommit: (reader: CodeCommitReader) => Read;
    readonly github: (client: GitHubClient) => Read;
  },
  openLargeBlob?: OpenGitBlob,
): Read => {
  const { SOURCE_HOST: host, SOURCE_REPOSITORY: repository, GITHUB_API: api } = env;
  switch (host) {
    case "codecommit":
      return on.codecommit(
        createCodeCommitReader({ client: new CodeCommitClient({}), repository, openLargeBlob }),
      );
    case "github": {
      const token = () => secrets.read("GITHUB_TOKEN");
      return on.github(
        createGitHubClient({ repository, token, fetch, ...(api === undefined ? {} : { api }) }),
      );
    }
    default:
      return host satisfies never;
  }
};
