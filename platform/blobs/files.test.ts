import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { blobsContract } from "#test/contracts/blobs.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createFileBlobs } from "./files.ts";

blobsContract("files", async () => {
  const folder = await createTemporaryFolder();
  return {
    blobs: createFileBlobs({ folder: folder.path }),
    close: folder.remove,
  };
});

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
beforeEach(async () => {
  folder = await createTemporaryFolder();
});
afterEach(() => folder.remove());

test("a write leaves no file but the object, and a folder that is a file is DataFolderUnusable", async () => {
  const blobs = createFileBlobs({ folder: folder.path });
  await blobs.put("one", Buffer.from("one"), { contentType: "text/plain" });
  expect(await readdir(folder.path)).toEqual(["one@blob"]);
  await writeFile(join(folder.path, "taken"), "");
  await expect(
    blobs.put("taken/below", Buffer.from("x"), { contentType: "text/plain" }),
  ).rejects.toMatchObject({ name: "DataFolderUnusable" });
});
