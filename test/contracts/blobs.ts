import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BlobKeyRefused, type Blobs } from "#platform/blobs/blobs.ts";
import { writeLocalFile } from "#platform/files/local-file.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";

export type BlobsUnderTest = {
  readonly blobs: Blobs;
  close(): Promise<void>;
};

/** The rules of `Blobs`, for every implementation. `make` returns blobs without any under `contract/`. */
export const blobsContract = (name: string, make: () => Promise<BlobsUnderTest>): void => {
  describe(`blobs: ${name}`, () => {
    let subject: BlobsUnderTest;
    beforeEach(async () => {
      subject = await make();
    });
    afterEach(() => subject.close());
    const text = { contentType: "text/plain" };

    test("get returns the bytes of put, and a second put replaces them", async () => {
      const bytes = fc.uint8Array({ maxLength: 5_000 });
      await fc.assert(
        fc.asyncProperty(bytes, bytes, async (first, second) => {
          await subject.blobs.put("contract/same", first, text);
          expect(Buffer.from((await subject.blobs.get("contract/same")) ?? "none").equals(first)).toBe(true);
          await subject.blobs.put("contract/same", second, text);
          expect(Buffer.from((await subject.blobs.get("contract/same")) ?? "none").equals(second)).toBe(true);
        }),
        { numRuns: 20 },
      );
    });

    test("a file of this machine is put by a stream, and read as a stream", async () => {
      const folder = await createTemporaryFolder();
      try {
        for (const size of [0, 1, 3 * 1024 * 1024 + 17]) {
          const bytes = randomBytes(size);
          const file = await writeLocalFile(join(folder.path, String(size)), Readable.from([bytes]));
          await subject.blobs.put("contract/file", file, text);
          const stream = await subject.blobs.open("contract/file");
          expect(stream && (await buffer(stream)).equals(bytes)).toBe(true);
          expect(Buffer.from((await subject.blobs.get("contract/file")) ?? "none").equals(bytes)).toBe(true);
        }
      } finally {
        await folder.remove();
      }
    });

    test("a stream that is not read to its end can be destroyed", async () => {
      await subject.blobs.put("contract/long", randomBytes(3_000_000), text);
      const stream = await subject.blobs.open("contract/long");
      stream?.destroy();
      expect(await subject.blobs.get("contract/long")).toHaveLength(3_000_000);
    });

    test.each(["another byte", "longer", "shorter"])(
      "a file that changed since it was checked (%s) replaces nothing",
      async (change) => {
        const folder = await createTemporaryFolder();
        try {
          const path = join(folder.path, "file");
          const bytes = randomBytes(200_000);
          const file = await writeLocalFile(path, Readable.from([bytes]));
          await subject.blobs.put("contract/kept", Buffer.from("before"), text);
          bytes.writeUInt8((bytes[100_000] ?? 0) ^ 1, 100_000);
          const changed = {
            "another byte": bytes,
            longer: Buffer.concat([bytes, bytes]),
            shorter: bytes.subarray(1),
          }[change];
          await writeFile(path, changed ?? "");
          await expect(subject.blobs.put("contract/kept", file, text)).rejects.toMatchObject({
            name: "TemporaryFault",
          });
          expect(Buffer.from((await subject.blobs.get("contract/kept")) ?? "").toString()).toBe("before");
        } finally {
          await folder.remove();
        }
      },
    );

    test("a missing key is undefined", async () => {
      expect(await subject.blobs.get("contract/never")).toBeUndefined();
      expect(await subject.blobs.open("contract/never")).toBeUndefined();
    });

    test("a key and a key below it can both exist", async () => {
      await subject.blobs.put("contract/a", Buffer.from("above"), text);
      await subject.blobs.put("contract/a/b", Buffer.from("below"), text);
      expect(Buffer.from((await subject.blobs.get("contract/a")) ?? "").toString()).toBe("above");
      expect(Buffer.from((await subject.blobs.get("contract/a/b")) ?? "").toString()).toBe("below");
    });

    test("with concurrent writers of one key, a reader gets the bytes of one writer, never a mixture", async () => {
      const fillBytes = (letter: string) => Buffer.alloc(200_000, letter);
      await subject.blobs.put("contract/raced", fillBytes("a"), text);
      const writes = ["b", "c", "d"].map((letter) =>
        subject.blobs.put("contract/raced", fillBytes(letter), text),
      );
      const reads = Array.from({ length: 10 }, () => subject.blobs.get("contract/raced"));
      await Promise.all(writes);
      for (const bytes of await Promise.all(reads)) {
        expect(bytes).toHaveLength(200_000);
        expect(new Set(bytes).size).toBe(1);
      }
    });

    test.each([
      "",
      "/contract",
      "contract/",
      "contract//a",
      "../secret",
      "contract/../a",
      "a\\b",
      "a b",
      "é",
      "a?b",
      "a\0b",
    ])("%j is refused as a key", async (key) => {
      await expect(subject.blobs.put(key, Buffer.from("x"), text)).rejects.toThrow(BlobKeyRefused);
      await expect(subject.blobs.get(key)).rejects.toThrow(BlobKeyRefused);
      await expect(subject.blobs.open(key)).rejects.toThrow(BlobKeyRefused);
    });
  });
};
