import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ImageNotFound, type Images, ImageTagTaken } from "#platform/images/images.ts";

type ImageTagsUnderTest = {
  readonly images: Pick<Images, "describe" | "release">;
  /** The same images, as in another process. */
  readonly elsewhere: Pick<Images, "release">;
  /** Two images that exist. */
  readonly digests: readonly [string, string];
  readonly stop: () => Promise<void>;
};

/** The rules for the tags of promoted images, for every implementation of Images. */
export const imageTagsContract = (name: string, make: () => Promise<ImageTagsUnderTest>): void => {
  describe(`tags of images, ${name}`, () => {
    let under: ImageTagsUnderTest;
    beforeAll(async () => {
      under = await make();
    });
    afterAll(async () => under?.stop());

    test("a tag that an image already has can be set again without a change", async () => {
      const [digest] = under.digests;
      await under.images.release(digest, "release-churn-1");
      await under.images.release(digest, "release-churn-1");
      await under.elsewhere.release(digest, "release-churn-1");
      expect(await under.images.describe(digest)).toBeDefined();
    });

    test("two concurrent writers of the same tag both succeed", async () => {
      const [digest] = under.digests;
      await Promise.all(
        [under.images, under.elsewhere].map((images) => images.release(digest, "release-churn-2")),
      );
    });

    test("a tag never moves to another image", async () => {
      const [digest, other] = under.digests;
      await under.images.release(digest, "release-churn-3");
      await expect(under.images.release(other, "release-churn-3")).rejects.toThrow(ImageTagTaken);
      await under.images.release(digest, "release-churn-3");
    });

    test("a missing image gets no tag, and the tag stays free", async () => {
      const [digest] = under.digests;
      const absent = `sha256:${"0".repeat(64)}`;
      await expect(under.images.release(absent, "release-churn-4")).rejects.toThrow(ImageNotFound);
      await under.images.release(digest, "release-churn-4");
    });
  });
};
