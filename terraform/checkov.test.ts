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

/** `stack resource rule` of every reason that stands beside a resource. */
const listSuppressions = ({ stacks }: SynthesizedStacks): readonly string[] =>
  [...stacks].flatMap(([stack, { resource = {} }]) =>
    Object.values(resource).flatMap((named) =>
      Object.entries(named).flatMap(([name, one]) => {
        const read = SuppressedResource.safeParse(one);
        return read.success
          ? Object.keys(read.data["//"].suppressed).map((rule) => `${stack} ${name} ${rule}`)
          : [];
      }),
    ),
  );

describe.skipIf(skip)("checkov", () => {
  let written: SynthesizedStacks;
  let report: z.infer<typeof Report>;
  beforeAll(async () => {
    written = await synthStacks();
    const { python } = await createPythonEnvironment(requirements);
    const args = [
      "-m",
      "checkov.main",
      "-d",
      join(written.folder, "stacks"),
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
  afterAll(() => written?.remove());

  const findings = () =>
    report.results.failed_checks.map(({ check_id, check_name, file_path, resource }) => ({
      where: `${file_path.split("/").at(-2)} ${resource.split(".").at(-1)} ${check_id}`,
      check_name,
    }));

  test("looked at the stacks", () => {
    expect(report.summary.passed).toBeGreaterThan(500);
    expect(report.summary.parsing_errors).toBe(0);
  });

  test("finds nothing that has no reason beside it", () => {
    const reasons = new Set(listSuppressions(written));
    expect(findings().filter(({ where }) => !reasons.has(where))).toEqual([]);
    console.info(
      `checkov: ${report.summary.passed} passed, 0 failed, ${reasons.size} suppressed with a reason`,
    );
  });

  test("finds what each reason is for: none has outlived its finding", () => {
    const found = new Set(findings().map(({ where }) => where));
    expect(listSuppressions(written).filter((reason) => !found.has(reason))).toEqual([]);
  });
});
