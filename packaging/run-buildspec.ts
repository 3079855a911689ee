import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { parse } from "yaml";
import * as z from "zod";

/** The parts of a buildspec that packaging/buildspec.yml uses. https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html */
const BuildSpec = z.strictObject({
  version: z.literal(0.2),
  env: z.strictObject({ shell: z.literal("bash"), "exported-variables": z.array(z.string()) }),
  phases: z.strictObject({
    build: z.strictObject({ commands: z.array(z.string()) }),
  }),
});

/** Version 0.2: one shell runs all commands; the first failing one ends its phase and fails the build. */
const program = `
  status=SUCCEEDED
  for command in "$@"; do eval "$command" || { status=FAILED; break; }; done
  for name in status $EXPORTED; do printf '%s\\0' "\${!name-}" >&3; done`;

type BuildspecResult = {
  readonly status: string;
  /** An unset variable is exported as an empty string. */
  readonly variables: Readonly<Record<string, string>>;
  readonly log: string;
};

/** Runs the commands of packaging/buildspec.yml in a folder, with only these environment variables. */
export const runBuildspec = async (
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<BuildspecResult> => {
  const spec = BuildSpec.parse(
    parse(await readFile(join(import.meta.dirname, "..", "packaging", "buildspec.yml"), "utf8")),
  );
  const exported = spec.env["exported-variables"];
  const child = spawn("bash", ["-c", program, "buildspec", ...spec.phases.build.commands], {
    cwd: folder,
    env: { ...env, EXPORTED: exported.join(" ") },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const [, stdout, stderr, results] = child.stdio;
  if (!stdout || !stderr || !results || !("readable" in results)) throw new Error("bash has no output");
  const [log, errors, exportedText] = await Promise.all([
    text(stdout),
    text(stderr),
    text(results),
    once(child, "close"),
  ]);
  const [status = "", ...values] = exportedText.split("\0");
  return {
    status,
    variables: Object.fromEntries(exported.map((name, index) => [name, values[index] ?? ""])),
    log: log + errors,
  };
};
