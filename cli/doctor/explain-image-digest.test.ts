import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { config } from "#terraform/config.ts";
import { readConfig } from "#terraform/read-config.ts";
import { explainImageDigest, pinnedImages } from "./explain-image-digest.ts";

const text = (path: string) => readFileSync(join(import.meta.dirname, "..", "..", path), "utf8");
const settings = ["baseImage", "buildImage"] as const;

test("doctor, build, configuration and its guide use the same images", () => {
  expect(text("worlds/aws/build/build-image.ts")).toContain("baseImage: env.BASE_IMAGE");
  const pipeline = text("terraform/constructs/image-pipeline/image-pipeline.ts");
  expect(pipeline).toContain('{ name: "BASE_IMAGE", value: images.baseImage }');
  expect(pipeline).toContain("image: images.buildImage");
  const { architecture } = config.tooling.images;
  for (const setting of settings) {
    const { image, reference } = pinnedImages[setting];
    const { repository, tag } = image(architecture);
    expect(config.tooling.images[setting]).toBe(`${reference(architecture)}@sha256:${"0".repeat(64)}`);
    expect(text("docs/infrastructure.md")).toContain(`${repository}:${tag}`);
  }
});

test("the configuration accepts the value that the remedy says to write, for both architectures", () => {
  for (const architecture of ["arm64", "x86_64"] as const) {
    const written = settings.map((setting) => {
      const [, reference = ""] =
        /write (\S+)@<digest> to images\./.exec(explainImageDigest(setting, architecture)) ?? [];
      return [setting, `${reference}@sha256:${"a".repeat(64)}`];
    });
    const chosen = { ...config.tooling.images, architecture, ...Object.fromEntries(written) };
    expect(readConfig({ ...config, tooling: { ...config.tooling, images: chosen } }).tooling.images).toEqual(
      chosen,
    );
  }
});
