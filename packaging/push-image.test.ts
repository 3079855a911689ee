import { expect, test } from "vitest";
import type { Crane } from "./crane.ts";
import { CraneFailed } from "./crane.ts";
import { pushImage, snapStartLabel } from "./push-image.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

/** A registry that accepts every image and has no tags yet; returns the calls of crane. */
const push = async (labels?: Readonly<Record<string, string>>) => {
  const calls: (readonly string[])[] = [];
  const crane: Crane = async (args) => {
    calls.push(args);
    switch (args[0]) {
      case "digest":
        throw new CraneFailed("there is no such tag");
      case "mutate":
        return `registry/slipway@${digest("d")}`;
      case "manifest": {
        const descriptor = (letter: string) => ({ digest: digest(letter), size: 1 });
        return JSON.stringify({ config: descriptor("c"), layers: [descriptor("b"), descriptor("a")] });
      }
      case "config":
        return JSON.stringify({ rootfs: { diff_ids: [digest("b"), digest("a")] } });
      default:
        return "";
    }
  };
  const { tag } = await pushImage({ crane })({
    model: "churn",
    baseImage: `base@${digest("e")}`,
    repository: "registry/slipway",
    platform: "linux/arm64",
    layerFiles: ["layer.tar"],
    layers: [digest("a")],
    ...(labels && { labels }),
  });
  return { tag, mutate: calls.find(([command]) => command === "mutate") ?? [] };
};

test("an image has the label for SnapStart only where its model asks for it, and another tag then", async () => {
  const plain = await push();
  const labelled = await push(snapStartLabel);
  expect(plain.mutate).not.toContain("--label");
  expect(labelled.mutate).toEqual([
    ...plain.mutate,
    "--label",
    "com.amazonaws.lambda.feature.snapstart=Allow",
  ]);
  expect(labelled.tag).not.toBe(plain.tag);
});
