import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { type SynthesizedStacks, synthStacks } from "../test/infrastructure/synth-stacks.ts";
import { overrideStack, requireTerraform, runTerraform } from "../test/peers/terraform.ts";

const Validation = z.object({
  valid: z.boolean(),
  diagnostics: z.array(z.object({ summary: z.string(), detail: z.string().optional() })),
});

const { skip } = requireTerraform("terraform validate of the stacks");

describe.skipIf(skip)("terraform validate", () => {
  const configurations: SynthesizedStacks[] = [];
  beforeAll(async () => {
    configurations.push(
      await synthStacks(),
      await synthStacks((shipped) => ({
        ...shipped,
        tooling: {
          ...shipped.tooling,
          source: { host: "github", repository: "example/models", branch: "main" },
          registry: { kind: "existing", uri: "https://mlflow.example.com" },
        },
      })),
    );
  });
  afterAll(async () => {
    for (const { remove } of configurations) await remove();
  });

  test("accepts every stack, as shipped and with GitHub and an existing MLflow", {
    timeout: 300_000,
  }, async () => {
    // As modules of one configuration, so that the provider (600 MB) starts only once.
    const [{ folder: shipped } = { folder: "" }] = configurations;
    // Paths of zips are relative to a stack's folder, so Terraform must run at the same depth.
    const root = join(shipped, "stacks", "all");
    await mkdir(root);
    const modules: Record<string, { source: string }> = {};
    for (const [index, { folder, stacks }] of configurations.entries())
      for (const stack of stacks.keys()) {
        await overrideStack(join(folder, "stacks", stack), { state: "local" });
        modules[`${stack}-${index}`] = { source: join(folder, "stacks", stack) };
      }
    expect(Object.keys(modules).length).toBe(14);
    await writeFile(join(root, "main.tf.json"), JSON.stringify({ module: modules }));
    const init = await runTerraform(root, ["init", "-backend=false", "-no-color"]);
    expect(init.output).toContain("successfully initialized");
    const { output } = await runTerraform(root, ["validate", "-no-color", "-json"]);
    const { valid, diagnostics } = Validation.parse(JSON.parse(output));
    // Terraform warns that it ignores each module's backend.
    const problems = diagnostics.filter(({ summary }) => summary !== "Backend configuration ignored");
    expect({ valid, problems }).toEqual({ valid: true, problems: [] });
  });
});
