import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { config } from "#terraform/config.ts";
import { readConfig } from "#terraform/read-config.ts";
import { explainImageDigest, pinnedImages } from "./explain-image-digest.ts";

const text = (path: string) => readFileSync(join(import.meta.dirname, "..", "..", path), "utf8");
const settings = ["baseImage", "buildImage"] as const;

test("the doctor, the build, the configuration and its guide speak of the same images", () => {
  expect(text("worlds/aws/build/build-image.ts")).toContain("baseImage: env.BASE_IMAGE");
  const pipeline = text("terraform/constructs/image-pipeline/image-pipeline.ts");
  expect(pipeline).toContain('{ name: "BASE_IMAGE", value: images.baseImage }');
  expect(pipeline).toContain("image: images.buildImage");
  const { architecture } = config.tooling.images;
  for (const setting of settings) {
    const { of, named } = pinnedImages[setting];
    const { repository, tag } = of(architecture);
    expect(config.tooling.images[setting]).toBe(`${named(architecture)}@sha256:${"0".repeat(64)}`);
    expect(text("docs/infrastructure.md")).toContain(`${repository}:${tag}`);
  }
});

test("what its sentence says to write is taken by the configuration, for both architectures", () => {
  for (const architecture of ["arm64", "x86_64"] as const) {
    const written = settings.map((setting) => {
      const [, named = ""] =
        /write (\S+)@<digest> to images\./.exec(explainImageDigest(setting, architecture)) ?? [];
      return [setting, `${named}@sha256:${"a".repeat(64)}`];
    });
    const chosen = { ...config.tooling.images, architecture, ...Object.fromEntries(written) };
    expect(readConfig({ ...config, tooling: { ...config.tooling, images: chosen } }).tooling.images).toEqual(
      chosen,
    );
  }
});
