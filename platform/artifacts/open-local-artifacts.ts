import type { Artifacts } from "./artifacts.ts";
import { createHttpsReader, internet } from "./https-reader.ts";
import { createLocalLfs } from "./lfs.ts";
import { openArtifacts } from "./open-artifacts.ts";

/** Reads artefacts on one machine: from its repository, from Git LFS's objects there, from hosts and buckets. */
export const openLocalArtifacts = ({ repository }: { readonly repository: string }): Artifacts =>
  openArtifacts({
    https: createHttpsReader(internet),
    s3: async () => {
      const { S3Client } = await import("@aws-sdk/client-s3");
      return new S3Client({ followRegionRedirects: true });
    },
    lfs: createLocalLfs({ repository }),
    repository,
  });
