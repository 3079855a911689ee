import { execFileSync } from "node:child_process";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { isRuntimePath, runtimeRoots } from "#domain/approval/runtime-paths.ts";
import { functionBuildOptions, withEsbuild } from "#packaging/bundle-runtime.ts";

test("every file that the inference function imports belongs to the runtime", async () => {
  const { metafile } = await withEsbuild(() =>
    build({
      ...functionBuildOptions,
      entryPoints: ["lambdas/predict/handler.ts"],
      packages: "external",
      outdir: ".",
    }),
  );
  const sources = Object.keys(metafile.inputs);
  expect(sources.length).toBeGreaterThan(50);
  expect(sources.filter((path) => !isRuntimePath(path))).toEqual([]);
});

test("the roots contain the whole runtime and no other root", () => {
  const tracked = execFileSync("git", ["ls-files", "-z"], { encoding: "utf8" }).split("\0");
  const runtime = tracked.filter(isRuntimePath);
  const roots = new Set(runtime.map((path) => path.split("/")[0]));
  expect([...roots].toSorted()).toEqual([...runtimeRoots].toSorted());
});

test.each(["package-lock.json", "package.json", "tsconfig.json"])("%s belongs to the runtime", (path) => {
  expect(isRuntimePath(path)).toBe(true);
});

test.each([
  "models/churn/model.yaml",
  "README.md",
  "docs/package.json",
  "statemachine/delivery.ts",
  "lambdas/roll-back/handler.ts",
])("%s does not belong to the runtime", (path) => {
  expect(isRuntimePath(path)).toBe(false);
});
