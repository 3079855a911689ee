// npm run synth | plan | apply [-- stacks and options]. docs/infrastructure.md walks through a first deployment.
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
    /** Apply without asking: it was approved before. */
    yes: { type: "boolean", default: false },
    /** Plan from the states alone, as a pull request's code may. */
    "from-states": { type: "boolean", default: false },
    /** The very first apply, of bootstrap-tooling. */
    first: { type: "boolean", default: false },
    /** AWS profile that reaches tooling's bucket, for the other accounts' bootstrap. */
    "state-profile": { type: "string" },
  },
});

const writeStacks = (accounts: Accounts, functions: readonly DeployedFunction[]): void => {
  // Only what is written anew: beside it a first state may lie that is in no bucket yet.
  createSlipwayApp({ accounts, functions, folder, built: distFolder }).synth();
};

/** Terraform reads zips when it plans, and would only name the file that is not there. */
const assertBuilt = (functions: readonly DeployedFunction[]): void => {
  const files = [...functions.map(({ name }) => `${name}.zip`), "runtime.digest", "builder.tar"];
  const missing = files.filter((file) => !existsSync(join(distFolder, file)));
  if (missing.length > 0) throw new NotAsked(`dist/ lacks ${missing.join(", ")}: npm run build makes them.`);
};

const runTerraform = (stack: string, { args, localState }: TerraformInvocation): void => {
  const at = join(folder, "stacks", stack);
  const override = join(at, "first_override.tf.json");
  if (localState) writeFileSync(override, JSON.stringify({ terraform: { backend: { local: {} } } }));
  else rmSync(override, { force: true });
  console.log(`\n— ${stack}: terraform ${args.join(" ")}`);
  const { status, error } = spawnSync("terraform", [`-chdir=${at}`, ...args], { stdio: "inherit" });
  if (error !== undefined) throw new NotAsked("terraform does not run here: install 1.11 or later.");
  if (status !== 0)
    throw new NotAsked(`terraform ended with ${status} at ${stack}; later stacks were left alone.`);
};

const main = async (): Promise<void> => {
  const [verb = "synth", ...stacks] = positionals;
  if (verb !== "synth" && verb !== "plan" && verb !== "apply")
    throw new NotAsked(`There is no command ${verb}; there are synth, plan and apply.`);
  const options: CommandOptions = {
    stacks,
    yes: values.yes,
    fromStates: values["from-states"],
    first: values.first,
    stateProfile: values["state-profile"],
  };
  const accounts = readConfig(config);
  const functions = await listDeployedFunctions();
  const chosen = selectStacks(listStacks(accounts), options);
  writeStacks(accounts, functions);
  for (const sentence of findUnsetDigests(accounts)) console.warn(sentence);
  if (verb === "synth") return console.log(`The stacks are in ${join(folder, "stacks")}.`);
  if (chosen.some((stack) => /^(serving|delivery)/.test(stack))) assertBuilt(functions);
  for (const stack of chosen)
    for (const invocation of listTerraformInvocations(verb, stack, options)) runTerraform(stack, invocation);
};

try {
  await main();
} catch (fault) {
  const told =
    fault instanceof ConfigInvalid || fault instanceof NotAsked || fault instanceof VariableUnknown;
  if (!told) throw fault;
  console.error(fault.message);
  process.exitCode = 1;
}
