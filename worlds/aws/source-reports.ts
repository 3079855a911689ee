import { setTimeout } from "node:timers/promises";
import type { Secrets } from "#platform/secrets/secrets.ts";
import { createGitHubReports } from "#platform/source-reports/github.ts";
import { createGitHubAppToken } from "#platform/source-reports/github-app-token.ts";
import type { SourceReports } from "#platform/source-reports/source-reports.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";

type Needs = {
  readonly env: GroupVariables<"source"> & GroupVariables<"sourceReports">;
  readonly secrets: Secrets;
  readonly clock: () => number;
};

/**
 * Reports on GitHub: as the app that the environment names, with its key in the secret GITHUB_APP_KEY, otherwise with the
 * token in GITHUB_REPORT_TOKEN. The token that reads the repository cannot write. CodeCommit shows no deployments.
 */
export const createSourceReports = ({ env, secrets, clock }: Needs): SourceReports => {
  const {
    SOURCE_HOST: host,
    SOURCE_REPOSITORY: repository,
    GITHUB_API: api = "https://api.github.com",
    GITHUB_APP_ID: appId,
    GITHUB_INSTALLATION_ID: installationId,
  } = env;
  if (host === "codecommit") return { show: async () => undefined };
  const caller = { api, fetch, clock, wait: (ms: number) => setTimeout(ms) };
  const token =
    appId !== undefined && installationId !== undefined
      ? createGitHubAppToken({
          ...caller,
          appId,
          installationId,
          name: repository.split("/")[1] ?? repository,
          privateKey: () => secrets.read("GITHUB_APP_KEY"),
        })
      : () => secrets.read("GITHUB_REPORT_TOKEN");
  return createGitHubReports({ ...caller, repository, token });
};
