import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hashSha256 } from "#test/support/hash-sha256.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { convertStreamErrors } from "./convert-stream-errors.ts";
import { computeSha256, measureSize, readContent, streamContent } from "./file-content.ts";
import { type LocalFile, writeLocalFile } from "./local-file.ts";

let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
beforeEach(async () => {
  folder = await createTemporaryFolder();
});
afterEach(() => folder.remove());

const write = (name: string, ...chunks: readonly Uint8Array[]): Promise<LocalFile> =>
  writeLocalFile(join(folder.path, name), Readable.from(chunks));

test("a file and its bytes have the same hash, size and content, in any chunks", async () => {
  let files = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 3_000 }), { maxLength: 5 }), async (chunks) => {
      files += 1;
      const bytes = Buffer.concat(chunks);
      const file = await write(String(files), ...chunks);
      expect([computeSha256(file), measureSize(file)]).toEqual([computeSha256(bytes), measureSize(bytes)]);
      expect(Buffer.from(await readContent(file)).equals(bytes)).toBe(true);
    }),
    { numRuns: 30 },
  );
  expect((await write("known", Buffer.from("abc"))).sha256).toBe(hashSha256("abc"));
});

test("an existing file is never overwritten", async () => {
  await write("one", Buffer.from("first"));
  await expect(write("one", Buffer.from("second"))).rejects.toMatchObject({ name: "DataFolderUnusable" });
});

test.each([
  ["another byte", (bytes: Buffer) => bytes.fill(1, 0, 1)],
  ["one byte more", (bytes: Buffer) => Buffer.concat([bytes, Buffer.from("x")])],
  ["one byte less", (bytes: Buffer) => bytes.subarray(1)],
  ["no byte", () => Buffer.alloc(0)],
])("a file with %s than at its check never streams to its end", async (_, change) => {
  const bytes = randomBytes(2_500_000).fill(0, 0, 1);
  const file = await write("file", bytes);
  await writeFile(file.path, change(bytes));
  let read = 0;
  const readAll = async () => {
    for await (const chunk of streamContent(file)) read += chunk.byteLength;
  };
  await expect(readAll()).rejects.toMatchObject({ name: "TemporaryFault" });
  expect(read).toBeLessThan(bytes.byteLength);
});

test("a converted stream has the converted error, and destroys the inner stream with itself", async () => {
  const failing = new Readable({ read: () => failing.destroy(new Error("cut")) });
  const converted = convertStreamErrors(failing, (error) => new TypeError("in words", { cause: error }));
  await expect(converted.toArray()).rejects.toThrow("in words");

  const inner = new Readable({ read: () => undefined });
  const outer = convertStreamErrors(inner, (error) => error);
  const closed = new Promise((resolve) => inner.once("close", resolve));
  outer.destroy();
  await closed;
  expect(inner.destroyed).toBe(true);
});
