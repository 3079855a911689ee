import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { parse } from "yaml";
import * as z from "zod";

/** What is used of a buildspec. https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html */
const BuildSpec = z.strictObject({
  version: z.literal(0.2),
  env: z.strictObject({ shell: z.literal("bash"), "exported-variables": z.array(z.string()) }),
  phases: z.strictObject({
    build: z.strictObject({ commands: z.array(z.string()) }),
  }),
});

/** Version 0.2: one shell for all commands; the first that fails ends its phase and fails the build. */
const program = `
  status=SUCCEEDED
  for command in "$@"; do eval "$command" || { status=FAILED; break; }; done
  for name in status $EXPORTED; do printf '%s\\0' "\${!name-}" >&3; done`;

type BuildspecResult = {
  readonly status: string;
  /** A variable that was never set is exported as an empty one. */
  readonly variables: Readonly<Record<string, string>>;
  readonly log: string;
};

/** Runs the commands of packaging/buildspec.yml in a folder, with these environment variables alone. */
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
  const [, out, error, said] = child.stdio;
  if (!out || !error || !said || !("readable" in said)) throw new Error("bash has no output");
  const [log, errors, told] = await Promise.all([text(out), text(error), text(said), once(child, "close")]);
  const [status = "", ...values] = told.split("\0");
  return {
    status,
    variables: Object.fromEntries(exported.map((name, at) => [name, values[at] ?? ""])),
    log: log + errors,
  };
};
