// npm run synth | plan | apply [-- stacks and options]. docs/infrastructure.md describes a first deployment.
import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createSlipwayApp } from "./app.ts";
import { config } from "./config.ts";
import { type DeployedFunction, listDeployedFunctions } from "./deployed-functions.ts";
import { findUnsetDigests } from "./find-unset-digests.ts";
import { type Accounts, ConfigInvalid, readConfig } from "./read-config.ts";
import { VariableUnknown } from "./select-function-variables.ts";
import {
  type CommandOptions,
  listStacks,
  listTerraformInvocations,
  NotAsked,
  selectStacks,
  type TerraformInvocation,
} from "./terraform-invocations.ts";

const folder = join(import.meta.dirname, "cdktf.out");
const distFolder = join(import.meta.dirname, "..", "dist");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Apply without a prompt, because the plan was approved before. */
    yes: { type: "boolean", default: false },
    /** Plan only from the states: a pull request's code may not do more. */
    "from-states": { type: "boolean", default: false },
    /** The first apply of bootstrap-tooling, before its bucket exists. */
    first: { type: "boolean", default: false },
    /** The AWS profile for tooling's bucket, for the other accounts' bootstrap. */
    "state-profile": { type: "string" },
  },
});

const writeStacks = (accounts: Accounts, functions: readonly DeployedFunction[]): void => {
  // Keeps other files in the folder: a first state may be there that is not in a bucket yet.
  createSlipwayApp({ accounts, functions, folder, built: distFolder }).synth();
};

/** Terraform reads the zips when it plans, but its error would not name the remedy. */
const assertBuilt = (functions: readonly DeployedFunction[]): void => {
  const files = [...functions.map(({ name }) => `${name}.zip`), "runtime.digest", "builder.tar"];
  const missing = files.filter((file) => !existsSync(join(distFolder, file)));
  if (missing.length > 0) throw new NotAsked(`dist/ lacks ${missing.join(", ")}: run npm run build.`);
};

const runTerraform = (stack: string, { args, localState }: TerraformInvocation): void => {
  const stackFolder = join(folder, "stacks", stack);
  const override = join(stackFolder, "first_override.tf.json");
  if (localState) writeFileSync(override, JSON.stringify({ terraform: { backend: { local: {} } } }));
  else rmSync(override, { force: true });
  console.log(`\n— ${stack}: terraform ${args.join(" ")}`);
  const { status, error } = spawnSync("terraform", [`-chdir=${stackFolder}`, ...args], { stdio: "inherit" });
  if (error !== undefined)
    throw new NotAsked("terraform could not be started: install version 1.11 or later.");
  if (status !== 0)
    throw new NotAsked(`terraform exited with ${status} for ${stack}; later stacks are unchanged.`);
};

const main = async (): Promise<void> => {
  const [verb = "synth", ...stacks] = positionals;
  if (verb !== "synth" && verb !== "plan" && verb !== "apply")
    throw new NotAsked(`Unknown command ${verb}: use synth, plan or apply.`);
  const options: CommandOptions = {
    stacks,
    yes: values.yes,
    fromStates: values["from-states"],
    first: values.first,
    stateProfile: values["state-profile"],
  };
  const accounts = readConfig(config);
  const functions = await listDeployedFunctions();
  const selectedStacks = selectStacks(listStacks(accounts), options);
  writeStacks(accounts, functions);
  for (const { sentence } of findUnsetDigests(accounts)) console.warn(sentence);
  if (verb === "synth") return console.log(`The stacks are in ${join(folder, "stacks")}.`);
  if (selectedStacks.some((stack) => /^(serving|delivery)/.test(stack))) assertBuilt(functions);
  for (const stack of selectedStacks)
    for (const invocation of listTerraformInvocations(verb, stack, options)) runTerraform(stack, invocation);
};

try {
  await main();
} catch (error) {
  const isExplained =
    error instanceof ConfigInvalid || error instanceof NotAsked || error instanceof VariableUnknown;
  if (!isExplained) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
