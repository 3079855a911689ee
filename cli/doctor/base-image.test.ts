import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { baseImageName, baseImageVariable } from "./base-image.ts";

const text = (path: string) => readFileSync(join(import.meta.dirname, "..", "..", path), "utf8");

test("the doctor, the build, the configuration and its guide speak of one base image", () => {
  expect(text("packaging/build-image.ts")).toContain(`baseImage: env.${baseImageVariable}`);
  expect(text("terraform/constructs/image-pipeline/image-pipeline.ts")).toContain(
    `{ name: "${baseImageVariable}", value: images.baseImage }`,
  );
  expect(text("terraform/config.ts")).toContain(`baseImage: \`${baseImageName}@sha256:`);
  expect(text("docs/infrastructure.md")).toContain(baseImageName);
});
