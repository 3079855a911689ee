import { CodeCommitClient } from "@aws-sdk/client-codecommit";
import type { Secrets } from "../platform/secrets/secrets.ts";
import { codeCommitSource } from "../platform/source/codecommit.ts";
import { codeCommitReader } from "../platform/source/codecommit-reader.ts";
import { gitHubSource } from "../platform/source/github.ts";
import { gitHubClient } from "../platform/source/github-client.ts";
import type { Source } from "../platform/source/source.ts";
import type { Variables } from "./environment-parts.ts";

/** The repository at the host that the environment names; GitHub's token is the secret GITHUB_TOKEN. */
export const sourceOf = (env: Variables<"source">, secrets: Secrets): Source => {
  const { SOURCE_HOST: host, SOURCE_REPOSITORY: repository, GITHUB_API: api } = env;
  switch (host) {
    case "codecommit":
      return codeCommitSource(codeCommitReader({ client: new CodeCommitClient({}), repository }));
    case "github": {
      const token = () => secrets.read("GITHUB_TOKEN");
      return gitHubSource(gitHubClient({ repository, token, fetch, ...(api === undefined ? {} : { api }) }));
    }
    default:
      return host satisfies never;
  }
};
