import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stop } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HandlerBundle } from "#packaging/bundle-handler.ts";
import { layers } from "#test/arrows.ts";
import { handlerEnvironment } from "#test/support/handler-environment.ts";
import { parseSource } from "#test/support/parse-source.ts";
import { runBundle } from "#test/support/run-bundle.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { writeBundle } from "#test/support/write-bundle.ts";

const lambdas = join(import.meta.dirname, "..", "..", "lambdas");
const functions = readdirSync(lambdas, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
/** predict runs from its image, with a model: packaging/bundle-runtime.ts packs it, and other tests start it. */
const steps = functions.filter((name) => name !== "predict");

const outside = new Set(["test", "bench", "scripts", "cli", "terraform", "worlds/embedded"]);
const findLayer = (path: string) => layers.find(({ files }) => files.test(path))?.name ?? "";

/** Modules that implementations for one machine use, and implementations for AWS never. */
const localApis = ["node:fs", "node:fs/promises", "node:child_process", "node:worker_threads", "node:sqlite"];

describe.each(functions)("%s", (name) => {
  test.each([`${name}.ts`, "env.ts", "handler.ts"])("has its %s", (file) => {
    expect(existsSync(join(lambdas, name, file))).toBe(true);
  });

  test("its handler has at most 12 lines of code", () => {
    const file = join(lambdas, name, "handler.ts");
    const { codeLines } = parseSource(file, readFileSync(file, "utf8"));
    expect(codeLines).toBeGreaterThan(0);
    expect(codeLines).toBeLessThanOrEqual(12);
  });

  test("its variables are in UPPER_SNAKE", async () => {
    const { Env } = await import(`../../lambdas/${name}/env.ts`);
    const names = Object.keys(Env.shape);
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((variable) => !/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(variable))).toEqual([]);
  });
});

describe("a function's bundle", () => {
  const bundles = new Map<string, HandlerBundle>();
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  const bundlePath = (name: string) => join(folder.path, `${name}.mjs`);
  const bundle = (name: string): HandlerBundle => {
    const existing = bundles.get(name);
    if (!existing) throw new Error(`${name} was not bundled`);
    return existing;
  };
  beforeAll(async () => {
    folder = await createTemporaryFolder();
    for (const name of functions) {
      bundles.set(name, await writeBundle(name, { folder: folder.path }));
    }
    await stop();
    const kilobytes = ({ code, map }: HandlerBundle) => Math.round((code.length + map.length) / 1_024);
    const sizes = [...bundles].map(([name, bundled]) => `${name} ${kilobytes(bundled)} KB`);
    console.info(`bundles with maps: ${sizes.join(", ")}`);
  });
  afterAll(() => folder.remove());

  test.each(functions)("%s: nothing of the embedded world is in it", (name) => {
    const { inputs, imports } = bundle(name);
    expect(inputs).toContain(`lambdas/${name}/handler.ts`);
    expect(inputs).not.toContain("node:sqlite");
    expect(inputs.filter((input) => outside.has(findLayer(input)))).toEqual([]);
    // platform/files/ copies a model to the function's own disk.
    const platform = [...imports].filter(
      ([input]) => input.startsWith("platform/") && !input.startsWith("platform/files/"),
    );
    expect(platform.length).toBeGreaterThan(0);
    expect(platform.filter(([, names]) => localApis.some((module) => names.includes(module)))).toEqual([]);
  });

  test.each(functions)("%s: the policy simulator, whose licence allows only tests, is not in it", (name) => {
    expect(bundle(name).inputs.filter((input) => input.includes("@cloud-copilot"))).toEqual([]);
  });

  test.each(steps)("%s: with its map it is below 1.275 MB", (name) => {
    // If all of them grow at once, look for `import { z } from "zod"`, which adds zod's 50 languages (350 KB).
    const { code, map } = bundle(name);
    expect(code.byteLength + map.byteLength).toBeLessThan(1_275_000);
  });

  test.each(steps)("%s: its map points to our files and contains none of their text", (name) => {
    const { sources, mappings, ...others } = JSON.parse(Buffer.from(bundle(name).map).toString());
    expect(sources).toContain(`lambdas/${name}/${name}.ts`);
    expect(sources.filter((source: string) => source.startsWith(".") || source.startsWith("/"))).toEqual([]);
    expect(sources.filter((source: string) => source.includes("node_modules"))).toEqual([]);
    expect(mappings.length).toBeGreaterThan(1_000);
    expect(others).toEqual({ version: 3, names: expect.any(Array) });
  });

  test.each(steps)("%s: onnxruntime is not in it", (name) => {
    expect(bundle(name).inputs.filter((input) => input.includes("onnxruntime"))).toEqual([]);
  });

  test.each(steps)("%s: it starts with its variables", async (name) => {
    const { Env } = await import(`../../lambdas/${name}/env.ts`);
    // Only its own variables: one that Env lacks is missing here as it is on Lambda.
    const own = Object.entries(handlerEnvironment).filter(
      ([variable]) => variable.startsWith("AWS_") || variable in Env.shape,
    );
    expect(await runBundle(bundlePath(name), Object.fromEntries(own))).toMatchObject({ code: 0, error: "" });
  });

  test.each(steps)(
    "%s: without its variables it fails with a message that names each of them",
    async (name) => {
      const { Env } = await import(`../../lambdas/${name}/env.ts`);
      const needed = Object.keys(Env.shape).filter((variable) => !Env.shape[variable].isOptional());
      const { code, error } = await runBundle(bundlePath(name), {});
      expect(code).toBe(1);
      expect(error).toContain("EnvironmentIncomplete: This function cannot start");
      for (const variable of needed) expect(error).toContain(`${variable} is not set`);
      expect(error).toMatch(/applying the stack again/);
    },
  );
});
