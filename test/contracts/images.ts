import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ImageNotFound, type Images } from "#platform/images/images.ts";

export type ImagesUnderTest = {
  readonly images: Images;
  /** A second builder for the same images, as in another process. */
  readonly elsewhere: Images;
  readonly runtime: string;
  /** A model, two commits with the same served files, and one commit with other files. */
  readonly model: string;
  readonly commits: { readonly first: string; readonly same: string; readonly other: string };
  /** Commits at which the model's folder fails its check, by the name of the check's error. */
  readonly failing: Readonly<Record<"ManifestInvalid" | "ModelUnreadable", string>>;
  readonly stop: () => Promise<void>;
};

/** The rules of `Images`, for every implementation. */
export const imagesContract = (name: string, make: () => Promise<ImagesUnderTest>): void => {
  describe(`images, ${name}`, () => {
    let under: ImagesUnderTest;
    beforeAll(async () => {
      under = await make();
    });
    afterAll(async () => under?.stop());
    const build = (commit: string, images = under.images, runtime = under.runtime) =>
      images.build({ model: under.model, commit, runtime });

    test("a built image has a digest, and exists with its size", async () => {
      const built = await build(under.commits.first);

      expect(built.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(built.buildId).not.toBe("");
      expect(await under.elsewhere.describe(built.digest)).toEqual({ sizeBytes: built.sizeBytes });
    });

    test("the same files give the same image, at another commit and in another process", async () => {
      const first = await build(under.commits.first);
      const same = await build(under.commits.same, under.elsewhere);
      expect([same.digest, same.sizeBytes]).toEqual([first.digest, first.sizeBytes]);
    });

    test("other files give another image", async () => {
      const first = await build(under.commits.first);
      const otherImage = await build(under.commits.other);
      expect(otherImage.digest).not.toBe(first.digest);
    });

    test("two concurrent builds of the same image both succeed", async () => {
      const [first, second] = await Promise.all([
        build(under.commits.other),
        build(under.commits.other, under.elsewhere),
      ]);
      expect(first.digest).toBe(second.digest);
      expect(await under.images.describe(first.digest)).toEqual({ sizeBytes: first.sizeBytes });
    });

    test("a failed check ends the build with the check's error", async () => {
      await expect(build(under.failing.ManifestInvalid)).rejects.toMatchObject({ name: "ManifestInvalid" });
      await expect(build(under.failing.ModelUnreadable)).rejects.toMatchObject({ name: "ModelUnreadable" });
    });

    test("an image is not built with another runtime than at the start of the delivery", async () => {
      const failedBuild = build(under.commits.first, under.images, `sha256:${"0".repeat(64)}`);
      await expect(failedBuild).rejects.toMatchObject({
        name: "ImageBuildFailed",
        message: expect.stringContaining("deliver again"),
      });
    });

    test("an image that was never built does not exist and cannot be scanned", async () => {
      const digest = `sha256:${"0".repeat(64)}`;
      expect(await under.images.describe(digest)).toBeUndefined();
      await expect(under.images.scan(digest)).rejects.toThrow(ImageNotFound);
    });

    test("a scan ends and reports for every package whether a vulnerability is known", async () => {
      const { digest } = await build(under.commits.first);
      const scan = await under.images.scan(digest);

      if (scan.status === "pending") return;
      const packages = Object.values(scan.scanned).reduce((sum, count) => sum + count, 0);
      expect(packages > 0 || scan.unknownEcosystems.length > 0).toBe(true);
      if (scan.unknownEcosystems.length === 0) expect(scan.advisoriesAsOf).toBeDefined();
    });
  });
};
