import { CodeCommitClient } from "@aws-sdk/client-codecommit";
import type { Secrets } from "../platform/secrets/secrets.ts";
import { codeCommitHistory } from "../platform/source/codecommit-history.ts";
import { codeCommitReader } from "../platform/source/codecommit-reader.ts";
import { gitHubClient } from "../platform/source/github-client.ts";
import { gitHubHistory } from "../platform/source/github-history.ts";
import type { CommitHistory } from "../platform/source/source.ts";
import type { Variables } from "./environment-parts.ts";

/** Who made what in the repository at the host that the environment names; GitHub's token is the secret GITHUB_TOKEN. */
export const historyOf = (env: Variables<"source">, secrets: Secrets): CommitHistory => {
  const { SOURCE_HOST: host, SOURCE_REPOSITORY: repository, GITHUB_API: api } = env;
  switch (host) {
    case "codecommit":
      return codeCommitHistory(codeCommitReader({ client: new CodeCommitClient({}), repository }));
    case "github": {
      const token = () => secrets.read("GITHUB_TOKEN");
      return gitHubHistory(gitHubClient({ repository, token, fetch, ...(api === undefined ? {} : { api }) }));
    }
    default:
      return host satisfies never;
  }
};
