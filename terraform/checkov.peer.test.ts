import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { type SynthesizedStacks, synthStacks } from "../test/infrastructure/synth-stacks.ts";
import { createPythonEnvironment, requirePython } from "../test/peers/python-environment.ts";

const { skip } = requirePython("checkov on the stacks");
const requirements = join(import.meta.dirname, "..", "test", "peers", "requirements-checkov.txt");

const Report = z.object({
  check_type: z.literal("terraform_json"),
  results: z.object({
    failed_checks: z.array(
      z.object({ check_id: z.string(), check_name: z.string(), file_path: z.string(), resource: z.string() }),
    ),
  }),
  summary: z.object({ passed: z.number(), parsing_errors: z.number() }),
});

const SuppressedResource = z.object({
  "//": z.object({ suppressed: z.record(z.string(), z.string().min(10)) }),
});

/** `stack resource rule` of every suppression. */
const listSuppressions = ({ stacks }: SynthesizedStacks): readonly string[] =>
  [...stacks].flatMap(([stack, { resource = {} }]) =>
    Object.values(resource).flatMap((resourcesByName) =>
      Object.entries(resourcesByName).flatMap(([name, attributes]) => {
        const parsed = SuppressedResource.safeParse(attributes);
        return parsed.success
          ? Object.keys(parsed.data["//"].suppressed).map((rule) => `${stack} ${name} ${rule}`)
          : [];
      }),
    ),
  );

describe.skipIf(skip)("checkov", () => {
  let synthesized: SynthesizedStacks;
  let report: z.infer<typeof Report>;
  beforeAll(async () => {
    synthesized = await synthStacks();
    const { python } = await createPythonEnvironment(requirements);
    const args = [
      "-m",
      "checkov.main",
      "-d",
      join(synthesized.folder, "stacks"),
      "--framework",
      "terraform_json",
    ];
    const { stdout } = await promisify(execFile)(
      python,
      [...args, "--output", "json", "--compact", "--quiet", "--skip-download", "--soft-fail"],
      { maxBuffer: 64 * 1_048_576, timeout: 300_000 },
    );
    report = Report.parse(JSON.parse(stdout));
  }, 600_000);
  afterAll(() => synthesized?.remove());

  const findings = () =>
    report.results.failed_checks.map(({ check_id, check_name, file_path, resource }) => ({
      where: `${file_path.split("/").at(-2)} ${resource.split(".").at(-1)} ${check_id}`,
      check_name,
    }));

  test("reads all stacks", () => {
    expect(report.summary.passed).toBeGreaterThan(500);
    expect(report.summary.parsing_errors).toBe(0);
  });

  test("finds nothing without a reason next to the resource", () => {
    const reasons = new Set(listSuppressions(synthesized));
    expect(findings().filter(({ where }) => !reasons.has(where))).toEqual([]);
    console.info(
      `checkov: ${report.summary.passed} passed, 0 failed, ${reasons.size} suppressed with a reason`,
    );
  });

  test("finds something for each reason, so that no reason is outdated", () => {
    const places = new Set(findings().map(({ where }) => where));
    expect(listSuppressions(synthesized).filter((reason) => !places.has(reason))).toEqual([]);
  });
});
