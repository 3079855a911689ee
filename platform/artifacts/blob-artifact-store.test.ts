import { createFileBlobs } from "#platform/blobs/files.ts";
import { artifactStoreContract } from "#test/contracts/artifact-store.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createBlobArtifactStore } from "./blob-artifact-store.ts";

artifactStoreContract("files", async () => {
  const folder = await createTemporaryFolder();
  const blobs = createFileBlobs({ folder: folder.path });
  return {
    store: createBlobArtifactStore({ blobs }),
    replace: (key, bytes) => blobs.put(key, bytes, { contentType: "application/octet-stream" }),
    close: folder.remove,
  };
});
