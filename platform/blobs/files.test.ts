import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { blobsContract } from "#test/contracts/blobs.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createBlobRoute } from "./blob-route.ts";
import { createFileBlobs } from "./files.ts";

const baseUrl = "http://127.0.0.1:1";
const key = Buffer.from("a key of the test");

blobsContract("files", async () => {
  const folder = await createTemporaryFolder();
  const route = createBlobRoute({ folder: folder.path, key, clock: Date.now });
  return {
    blobs: createFileBlobs({ folder: folder.path, baseUrl, key }),
    follow: async (link) => route.request(link),
    close: folder.remove,
  };
});

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
beforeEach(async () => {
  folder = await createTemporaryFolder();
});
afterEach(() => folder.remove());

const createLink = async (expiresAt: number) => {
  const blobs = createFileBlobs({ folder: folder.path, baseUrl, key });
  await blobs.put("reports/one", Buffer.from("one"), { contentType: "text/plain" });
  await blobs.put("reports/two", Buffer.from("two"), { contentType: "text/plain" });
  return new URL(await blobs.link("reports/one", { expiresAt }));
};
const requestStatus = async (url: URL, now: number): Promise<number> =>
  (await createBlobRoute({ folder: folder.path, key, clock: () => now * 1_000 }).request(url.href)).status;

test("a link expires one second after `expiresAt`", async () => {
  const link = await createLink(1_000);
  expect(await requestStatus(link, 1_000)).toBe(200);
  expect(await requestStatus(link, 1_001)).toBe(403);
});

test("a link with a changed, missing or repeated key, expiry or signature returns 403", async () => {
  const link = await createLink(1_000);
  const changes: ((url: URL) => void)[] = [
    (url) => {
      url.pathname = "/blobs/reports/two";
    },
    (url) => url.searchParams.set("expires", "2000"),
    (url) => url.searchParams.set("expires", "NaN"),
    (url) => url.searchParams.delete("expires"),
    (url) => url.searchParams.set("signature", "0".repeat(64)),
    (url) => url.searchParams.set("signature", ""),
    (url) => url.searchParams.delete("signature"),
    (url) => {
      url.pathname = "/blobs/..%2fsecret";
    },
  ];
  for (const change of changes) {
    const changedUrl = new URL(link);
    change(changedUrl);
    expect([changedUrl.href, await requestStatus(changedUrl, 500)]).toEqual([changedUrl.href, 403]);
  }
});

test("a link signed with another key returns 403", async () => {
  const link = await createLink(1_000);
  const other = createBlobRoute({ folder: folder.path, key: Buffer.from("another"), clock: () => 0 });
  expect((await other.request(link.href)).status).toBe(403);
});

test("a signed link to a missing object returns 404", async () => {
  const link = await createFileBlobs({ folder: folder.path, baseUrl, key }).link("none", {
    expiresAt: 1_000,
  });
  expect(await requestStatus(new URL(link), 500)).toBe(404);
});

test("a write leaves no temporary files, and a file in the place of a folder is DataFolderUnusable", async () => {
  const blobs = createFileBlobs({ folder: folder.path, baseUrl, key });
  await blobs.put("one", Buffer.from("one"), { contentType: "text/plain" });
  expect(await readdir(folder.path)).toEqual(["one@blob"]);
  await writeFile(join(folder.path, "taken"), "");
  await expect(
    blobs.put("taken/below", Buffer.from("x"), { contentType: "text/plain" }),
  ).rejects.toMatchObject({ name: "DataFolderUnusable" });
});
