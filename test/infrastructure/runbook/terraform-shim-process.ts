/**
 * Terraform, with the overrides of the other tests on moto: a provider from this machine's mirror, and no lifecycle rules of
 * buckets that would make the runbook wait for the provider's 55 seconds. The registry's and the artefacts' bucket have the
 * same rules; other resources of their stacks take as long. applied-stacks.test.ts applies all except the state's.
 */
import { spawnSync } from "node:child_process";
import { basename } from "node:path";
import { buildTerraformEnvironment, overrideStack } from "#test/peers/terraform.ts";

/** Stacks in which nothing else takes as long as the lifecycle rules. */
const withoutRules = ["bootstrap-tooling", "serving-stage", "serving-prod"];

const args = process.argv.slice(2);
const folder = /^-chdir=(.+)$/.exec(args[0] ?? "")?.[1];
if (folder === undefined) throw new Error(`terraform ${args.join(" ")}: no -chdir`);
await overrideStack(folder, {
  state: "bucket",
  without: withoutRules.includes(basename(folder)) ? ["aws_s3_bucket_lifecycle_configuration"] : [],
});
const { RUNBOOK_TERRAFORM: terraform = "terraform" } = process.env;
// Terraform asks whether to apply, as it asks a person, and may download its provider.
const { TF_INPUT: _, HTTPS_PROXY: __, ...env } = await buildTerraformEnvironment();
const { status } = spawnSync(terraform, args, { stdio: "inherit", env });
process.exitCode = status ?? 1;
