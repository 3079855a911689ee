import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ArtifactStore, toArtifactKey } from "#platform/artifacts/artifacts.ts";
import { readContent } from "#platform/files/file-content.ts";
import { hashSha256 } from "#test/support/hash-sha256.ts";
import { toFileStream } from "#test/support/to-file-stream.ts";

export type ArtifactStoreUnderTest = {
  readonly store: ArtifactStore;
  /** Writes other bytes in the place of an artefact, as somebody with access to the storage could. */
  replace(key: string, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
};

/** The rules of `ArtifactStore`, for every implementation. `make` returns an empty one. */
export const artifactStoreContract = (name: string, make: () => Promise<ArtifactStoreUnderTest>): void => {
  describe(`artefact store: ${name}`, () => {
    let subject: ArtifactStoreUnderTest;
    beforeEach(async () => {
      subject = await make();
    });
    afterEach(() => subject.close());
    const bytes = Buffer.from("the onnx file");
    const sha256 = hashSha256("the onnx file");
    const find = async () => {
      const file = await subject.store.find(sha256);
      return file && Buffer.from(await readContent(file));
    };

    test("a kept artefact is found by its hash, with its size and its bytes, any number of times", async () => {
      await subject.store.keep(toFileStream(bytes));
      expect(await subject.store.find(sha256)).toMatchObject({ sha256, size: bytes.byteLength });
      expect(await find()).toEqual(bytes);
      expect(await find()).toEqual(bytes);
    });

    test("what nobody kept is not found", async () => {
      expect(await subject.store.find("0".repeat(64))).toBeUndefined();
    });

    test("an artefact that is kept again, also at the same moment, changes nothing", async () => {
      await Promise.all([1, 2, 3].map(() => subject.store.keep(toFileStream(bytes))));
      await subject.store.keep({
        ...toFileStream(bytes),
        open: () => expect.unreachable("it is there already"),
      });
      expect(await find()).toEqual(bytes);
    });

    test("a file that is not what its hash says is not kept", async () => {
      const changed = toFileStream(Buffer.from("the onnx fil3"));
      await expect(subject.store.keep({ ...changed, sha256 })).rejects.toThrow();
      expect(await find()).toBeUndefined();
    });

    test("other bytes in its place are never read to their end, nor silently replaced", async () => {
      await subject.store.keep(toFileStream(bytes));
      await subject.replace(toArtifactKey(sha256), Buffer.from("the onnx fil3"));
      await expect(find()).rejects.toMatchObject({ name: "ArtifactDiffers" });
      await expect(subject.store.keep(toFileStream(bytes))).rejects.toMatchObject({
        name: "ArtifactDiffers",
      });
    });
  });
};
