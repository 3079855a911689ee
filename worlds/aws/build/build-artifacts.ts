import { S3Client } from "@aws-sdk/client-s3";
import type { Artifacts } from "#platform/artifacts/artifacts.ts";
import { createHttpsReader, internet } from "#platform/artifacts/https-reader.ts";
import { createGitHubLfs, type OpenLfsObject, refuseLfs } from "#platform/artifacts/lfs.ts";
import { openArtifacts } from "#platform/artifacts/open-artifacts.ts";
import type { Secrets } from "#platform/secrets/secrets.ts";
import type { GroupVariables } from "#worlds/aws/environment/variable-groups.ts";

type Needs = { readonly env: GroupVariables<"source">; readonly secrets: Secrets };

/** Reads artefacts that are not in the repository, with the build's role and, for Git LFS, GitHub's token. */
export const openBuildArtifacts = ({ env, secrets }: Needs): Artifacts => {
  const https = createHttpsReader(internet);
  const selectLfs = (): OpenLfsObject => {
    switch (env.SOURCE_HOST) {
      case "codecommit":
        return refuseLfs("CodeCommit");
      case "github":
        return createGitHubLfs({
          repository: env.SOURCE_REPOSITORY,
          token: () => secrets.read("GITHUB_TOKEN"),
          fetch,
          https,
          api: env.GITHUB_API,
        });
      default:
        return env.SOURCE_HOST satisfies never;
    }
  };
  // A bucket may be in another region than the build.
  const client = new S3Client({ followRegionRedirects: true });
  return openArtifacts({ https, s3: async () => client, lfs: selectLfs() });
};
