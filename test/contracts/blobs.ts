import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BlobKeyRefused, type Blobs } from "#platform/blobs/blobs.ts";

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

    test("a missing key is undefined", async () => {
      expect(await subject.blobs.get("contract/never")).toBeUndefined();
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
    });
  });
};
