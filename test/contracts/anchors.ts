import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Anchors } from "#platform/anchors/anchors.ts";

export type AnchorsUnderTest = {
  readonly anchors: Anchors;
  /** The same place, opened again. */
  readonly elsewhere: Anchors;
  close(): Promise<void>;
};

const hash = (digit: string) => digit.repeat(64);
const head = (sequence: number, digit: string, model = "churn") => ({ model, sequence, hash: hash(digit) });

/** The rules of `Anchors`, for every implementation. */
export const anchorsContract = (name: string, make: () => Promise<AnchorsUnderTest>): void => {
  describe(`anchors: ${name}`, () => {
    let subject: AnchorsUnderTest;
    beforeEach(async () => {
      subject = await make();
    });
    afterEach(() => subject.close());
    const list = async (model = "churn") => {
      const { anchors, invalid } = await subject.elsewhere.list(model);
      expect(invalid).toEqual([]);
      return anchors.map(({ sequence, hash: found }) => `${sequence} ${found.slice(0, 1)}`);
    };

    test("a model without anchors has none", async () => {
      expect(await list()).toEqual([]);
    });

    test("anchors are listed in the order of their sequence, each model's alone", async () => {
      for (const each of [head(2, "b"), head(10, "c"), head(1, "a"), head(1, "d", "churn-2")])
        await subject.anchors.put(each);
      expect(await list()).toEqual(["1 a", "2 b", "10 c"]);
      expect(await list("churn-2")).toEqual(["1 d"]);
    });

    test("an anchor that is put twice, also at the same time, is there once", async () => {
      await Promise.all([1, 2, 3].map(() => subject.anchors.put(head(1, "a"))));
      await subject.elsewhere.put(head(1, "a"));
      expect(await list()).toEqual(["1 a"]);
    });

    test("another head of the same sequence is kept beside the first", async () => {
      await subject.anchors.put(head(1, "a"));
      await subject.anchors.put(head(1, "b"));
      expect((await list()).toSorted()).toEqual(["1 a", "1 b"]);
    });

    test("an anchor says when it was put, and where it is", async () => {
      const before = Date.now();
      await subject.anchors.put(head(7, "a"));
      const [anchor] = (await subject.anchors.list("churn")).anchors;
      // S3's clock has whole seconds.
      expect(anchor?.at).toBeGreaterThanOrEqual(before - 1_000);
      expect(anchor?.at).toBeLessThanOrEqual(Date.now() + 1_000);
      expect(anchor?.place).toContain("churn/0000000007-aaaa");
    });

    test("a head with another model's path, or without a hash, is refused", async () => {
      for (const wrong of [head(1, "a", "../secrets"), { ...head(1, "a"), hash: "" }, head(0, "a")])
        await expect(subject.anchors.put(wrong)).rejects.toThrow();
      await expect(subject.anchors.list("../secrets")).rejects.toThrow();
    });
  });
};
