import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { expect, test } from "vitest";
import { cycles, findForbiddenImports, findImports, layers } from "./arrows.ts";

const root = join(import.meta.dirname, "..");
const skipped = new Set(["node_modules", "dist", "coverage", "models", "seed"]);

const readSources = async (folder: string): Promise<[string, string][]> => {
  const sources: [string, string][] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!entry.name.startsWith(".") && !skipped.has(entry.name)) sources.push(...(await readSources(path)));
    } else if (/\.(ts|mjs)$/.test(entry.name)) {
      sources.push([relative(root, path).split(sep).join("/"), await readFile(path, "utf8")]);
    }
  }
  return sources;
};

const files = new Map(await readSources(root));

test("every import follows the order of the layers", () => {
  expect([...files.keys()]).toContain("platform/store/store.ts");
  expect(findForbiddenImports(files)).toEqual([]);
});

test("files do not import each other, types included", () => {
  expect(cycles(files)).toEqual([]);
});

test("every source file belongs to a layer", () => {
  const outside = [...files.keys()].filter((path) => !layers.some((layer) => layer.files.test(path)));
  expect(outside).toEqual(["vitest.config.ts"]);
});

const checkImport = (path: string, target: string) =>
  findForbiddenImports(new Map([[path, `import { x } from "${target}";\n`]]));

test.each([
  ["domain/claims/claims.ts", "#platform/store/sqlite.ts", "domain may not import platform"],
  ["domain/claims/claims.ts", "#lambdas/deploy-model/deploy-model.ts", "domain may not import lambdas"],
  ["domain/claims/claims.ts", "#statemachine/contracts.ts", "domain may not import statemachine"],
  ["domain/claims/claims.ts", "#inference/model/load-model.ts", "domain may not import inference"],
  ["domain/claims/claims.ts", "#slack/slack-channel.ts", "domain may not import slack"],
  ["platform/store/store.ts", "./sqlite.ts", "contract may not import platform"],
  ["platform/store/sqlite.ts", "#domain/claims/claims.ts", "platform may not import domain"],
  ["statemachine/delivery.ts", "#lambdas/deploy-model/env.ts", "statemachine may not import environment"],
  ["statemachine/delivery.ts", "#terraform/stacks/delivery.ts", "statemachine may not import terraform"],
  ["model-folder/manifest/read-manifest.ts", "#inference/model/load-model.ts", "may not import inference"],
  ["inference/app.ts", "#domain/gates/verdict.ts", "inference may not import domain"],
  ["inference/app.ts", "#platform/metrics/sqlite.ts", "inference may not import platform"],
  ["lambdas/deploy-model/deploy-model.ts", "#platform/store/dynamodb.ts", "lambdas may not import platform"],
  ["lambdas/deploy-model/deploy-model.ts", "./handler.ts", "lambdas may not import handler"],
  ["lambdas/deploy-model/deploy-model.ts", "#worlds/aws/serving.ts", "may not import worlds/aws"],
  ["lambdas/deploy-model/env.ts", "#worlds/aws/serving.ts", "environment may not import worlds/aws"],
  ["worlds/embedded/gateway/gateway.ts", "#cli/slipway.ts", "worlds/embedded may not import cli"],
  ["worlds/embedded/gateway/gateway.ts", "#worlds/aws/log.ts", "may not import worlds/aws"],
  ["worlds/embedded/gateway/gateway.ts", "#test/support/temporary-folder.ts", "may not import test"],
  ["worlds/embedded/gateway/gateway.ts", "@aws-sdk/client-s3", "may import it"],
  ["lambdas/deploy-model/deploy-model.ts", "node:sqlite", "may import it"],
  ["terraform/stacks/delivery.ts", "../../lambdas/deploy-model/deploy-model.ts", "may not import lambdas"],
  ["cli/slipway.ts", "#scripts/build.ts", "cli may not import scripts"],
])("%s may not import %s", (path, target, message) => {
  expect(checkImport(path, target)).toEqual([expect.stringContaining(message)]);
});

test.each([
  ["domain/claims/claims.ts", "#platform/store/store.ts"],
  ["lambdas/deploy-model/handler.ts", "#platform/serving/lambda.ts"],
  ["lambdas/deploy-model/handler.ts", "#worlds/aws/serving.ts"],
  ["lambdas/deploy-model/env.ts", "#worlds/aws/environment/variable-groups.ts"],
  ["lambdas/deploy-model/deploy-model.ts", "#domain/claims/claims.ts"],
  ["terraform/stacks/delivery.ts", "../../lambdas/deploy-model/env.ts"],
  ["lambdas/deploy-model/deploy-model.test.ts", "#platform/store/sqlite.ts"],
  ["cli/slipway.ts", "#worlds/embedded/world.ts"],
  ["scripts/rehearse-aws.ts", "#test/peers/moto.ts"],
  ["domain/gates/verdict.ts", "zod"],
])("%s may import %s", (path, target) => {
  expect(checkImport(path, target)).toEqual([]);
});

test("a cycle of three files is found, also through a type", () => {
  const sources = new Map([
    ["domain/a.ts", 'import { b } from "./b.ts";'],
    ["domain/b.ts", 'import type { C } from "#domain/c.ts";'],
    ["domain/c.ts", 'import { a } from "./a.ts"; import { d } from "./d.ts";'],
    ["domain/d.ts", ""],
  ]);
  expect(cycles(sources)).toEqual([["domain/a.ts", "domain/b.ts", "domain/c.ts"]]);
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
])("an import is recognised in %j", (source) => {
  expect(findImports("domain/y.ts", source)).toEqual(["domain/x.ts"]);
});

test.each([
  '// import { a } from "./x.ts";',
  '/** Use it like `import { a } from "./x.ts";` */',
  '/*\nimport { a } from "./x.ts";\n*/',
  'import { a } from "zod";',
])("%j does not count as an import of a file", (source) => {
  expect(findImports("domain/y.ts", source)).toEqual([]);
});
