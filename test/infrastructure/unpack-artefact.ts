import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import * as z from "zod";

const Step = z.object({
  name: z.string().optional(),
  run: z.string().optional(),
  env: z.record(z.string(), z.string()).default({}),
});
const Workflow = z.object({ jobs: z.record(z.string(), z.object({ steps: z.array(Step).default([]) })) });
const workflow = fileURLToPath(new URL("../../.github/workflows/infrastructure.yml", import.meta.url));

/** The step of a job of infrastructure.yml that checks that the output of `synth` is data. */
export const readUnpackStep = (job: "plan" | "apply"): z.infer<typeof Step> => {
  const { jobs } = Workflow.parse(parse(readFileSync(workflow, "utf8"), { merge: true }));
  const step = jobs[job]?.steps.find(({ name }) => name?.startsWith("Unpack"));
  if (step === undefined) throw new Error(`infrastructure.yml's job ${job} has no step "Unpack"`);
  return step;
};

/**
 * Packs `dist` and `terraform/cdktf.out/stacks` of a folder as the job `synth` does and runs that step on it. Returns
 * its exit code, its output and, by the stack's name, the files that Terraform would read.
 */
export const unpackArtefact = (folder: string, digest?: string) => {
  execFileSync("tar", ["-cf", "stacks.tar", "dist", "terraform/cdktf.out/stacks"], { cwd: folder });
  const sha256 = createHash("sha256")
    .update(readFileSync(join(folder, "stacks.tar")))
    .digest("hex");
  const work = mkdtempSync(join(tmpdir(), "slipway-artefact-"));
  try {
    renameSync(join(folder, "stacks.tar"), join(work, "stacks.tar"));
    const { run = "", env } = readUnpackStep("apply");
    const { status, stdout, stderr } = spawnSync("bash", ["-c", run], {
      cwd: work,
      env: { PATH: process.env.PATH, ...env, DIGEST: digest ?? sha256 },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    const read = new Map<string, string>();
    const stacks = join(work, "stacks/terraform/cdktf.out/stacks");
    if (status === 0)
      for (const name of readdirSync(stacks))
        read.set(name, readFileSync(join(stacks, name, "cdk.tf.json"), "utf8"));
    return { status, output: `${stdout}${stderr}`, read };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
};
