import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { expect, test } from "vitest";
import { brokenArrows, importsOf } from "./arrows.ts";

const root = join(import.meta.dirname, "..");
const skipped = new Set(["node_modules", "dist", "coverage", "models", "seed"]);

const sources = async (folder: string): Promise<[string, string][]> => {
  const found: [string, string][] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!entry.name.startsWith(".") && !skipped.has(entry.name)) found.push(...(await sources(path)));
    } else if (/\.(ts|mjs)$/.test(entry.name)) {
      found.push([relative(root, path).split(sep).join("/"), await readFile(path, "utf8")]);
    }
  }
  return found;
};

test("every import of the repository goes the way that the parts may depend on each other", async () => {
  const files = new Map(await sources(root));
  expect([...files.keys()]).toContain("platform/store/store.ts");
  expect(brokenArrows(files)).toEqual([]);
});

const broken = (path: string, target: string) =>
  brokenArrows(new Map([[path, `import { x } from "${target}";\n`]]));

test.each([
  ["domain/claims/claims.ts", "../../platform/store/sqlite.ts", "an embedded implementation"],
  ["domain/claims/claims.ts", "../../platform/store/dynamodb.ts", "an AWS implementation"],
  ["domain/claims/claims.ts", "../../lambdas/deploy-model/deploy-model.ts", "a step"],
  ["platform/store/store.ts", "./sqlite.ts", "an embedded implementation"],
  ["platform/store/sqlite.ts", "../../domain/claims/claims.ts", "the domain's rules"],
  ["platform/store/dynamodb.ts", "./open-database.ts", "an embedded implementation"],
  ["statemachine/contracts.ts", "../domain/verdict.ts", "the domain's rules"],
  ["statemachine/delivery.ts", "../lambdas/deploy-model/env.ts", "a function's env.ts"],
  ["statemachine/delivery.ts", "../terraform/stacks/delivery.ts", "the stacks"],
  ["model-folder/manifest/read-manifest.ts", "../model/load-model.ts", "the inference runtime"],
  ["domain/claims/claims.ts", "../../inference/model/load-model.ts", "the inference runtime"],
  ["domain/claims/claims.ts", "../../platform/slack/slack-channel.ts", "the Slack client"],
  ["inference/app.ts", "../domain/verdict.ts", "the domain's rules"],
  ["inference/app.ts", "../platform/metrics/sqlite.ts", "an embedded implementation"],
  ["inference/app.ts", "../rehearsal/gateway.ts", "the rehearsal"],
  ["lambdas/deploy-model/handler.ts", "../../platform/store/sqlite.ts", "an embedded implementation"],
  ["lambdas/deploy-model/deploy-model.ts", "../../platform/store/dynamodb.ts", "an AWS implementation"],
  ["lambdas/deploy-model/deploy-model.ts", "./handler.ts", "a function's handler"],
  ["lambdas/deploy-model/deploy-model.ts", "../../cli/slipway.ts", "the command"],
  ["lambdas/deploy-model/deploy-model.ts", "../serving-of.ts", "what handlers are composed of"],
  ["lambdas/deploy-model/env.ts", "../read-env.ts", "what handlers are composed of"],
  ["worlds/aws/serving-of.ts", "../platform/serving/embedded.ts", "an embedded implementation"],
  ["worlds/embedded/gateway/gateway.ts", "../cli/slipway.ts", "the command"],
  ["worlds/embedded/gateway/gateway.ts", "../test/temporary-folder.ts", "a test"],
  ["terraform/stacks/delivery.ts", "../../lambdas/deploy-model/deploy-model.ts", "a step"],
])("%s may not import %s", (path, target, what) => {
  expect(broken(path, target)).toEqual([expect.stringContaining(`may not depend on ${what}`)]);
});

test.each([
  ["domain/claims/claims.ts", "../../platform/store/store.ts"],
  ["lambdas/deploy-model/handler.ts", "../../platform/serving/lambda.ts"],
  ["lambdas/deploy-model/handler.ts", "../serving-of.ts"],
  ["lambdas/deploy-model/env.ts", "../environment-parts.ts"],
  ["worlds/aws/serving-of.ts", "../platform/serving/lambda.ts"],
  ["lambdas/deploy-model/deploy-model.ts", "../../domain/claims/claims.ts"],
  ["terraform/stacks/delivery.ts", "../../lambdas/deploy-model/env.ts"],
  ["lambdas/deploy-model/deploy-model.test.ts", "../../platform/store/sqlite.ts"],
  ["cli/slipway.ts", "../rehearsal/rehearsal.ts"],
  ["domain/gates/verdict.ts", "zod"],
])("%s may import %s", (path, target) => {
  expect(broken(path, target)).toEqual([]);
});

test.each([
  'import { a } from "./x.ts";',
  'import type { A } from "./x.ts";',
  'import a, { type B } from "./x.ts";',
  'import {\n  a,\n  b,\n} from "./x.ts";',
  "import * as a from './x.ts';",
  'import "./x.ts";',
  'export { a } from "./x.ts";',
  'export * from "./x.ts";',
  'const a = await import("./x.ts");',
  'type A = import("./x.ts").A;',
  'const run = async () => (await import(\n  "./x.ts"\n)).run;',
  'new Worker(new URL("./x.ts", import.meta.url));',
  'import.meta.resolve("./x.ts");',
  'const url = "http://a.b/c"; const a = await import("./x.ts");',
  'import { z } from "zod"; import { a } from "./x.ts";',
])("the import in %j is seen", (source) => {
  expect(importsOf("domain/y.ts", source)).toEqual(["domain/x.ts"]);
});

test.each([
  '// import { a } from "./x.ts";',
  '/** Use it like `import { a } from "./x.ts";` */',
  '/*\nimport { a } from "./x.ts";\n*/',
  'import { a } from "zod";',
])("there is no import of a file in %j", (source) => {
  expect(importsOf("domain/y.ts", source)).toEqual([]);
});
