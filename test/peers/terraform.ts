import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { requirePeer } from "#test/support/require-peer.ts";
import { cachePeerFolder } from "./cache-peer-folder.ts";
import { distributeFunctions } from "./distribute-functions.ts";

/** An optional tool on this machine that prints a shell line with a local mirror of Terraform's providers. */
const mirrorTool = join(import.meta.dirname, "..", "..", "..", "shared", "tools", "terraform-mirror");

const run = (command: string, args: readonly string[]): SpawnSyncReturns<string> =>
  spawnSync(command, args, { encoding: "utf8" });

/** Whether tests that need Terraform are skipped (see `peer`). */
export const requireTerraform = (tests: string): { readonly skip: boolean } =>
  requirePeer(
    tests,
    run("terraform", ["version"]).status === 0
      ? undefined
      : "terraform does not run here (https://developer.hashicorp.com/terraform/install, 1.11 or later)",
  );

/** Far above the default of 10: a resource keeps its place while the provider waits for it, up to a minute. */
const parallelism = "-parallelism=50";

/**
 * The configuration that names this machine's mirror; undefined without one. The tool writes its file anew at each call, and
 * a Terraform that starts meanwhile reads an empty file and asks the registry. So each content has a copy that nobody
 * writes again.
 */
const copyMirrorConfig = async (): Promise<string | undefined> => {
  if (!existsSync(mirrorTool)) return undefined;
  for (let attempt = 0; attempt < 100; attempt++) {
    const config = /^export TF_CLI_CONFIG_FILE="(.+)"$/m.exec(run(mirrorTool, []).stdout)?.[1];
    if (config === undefined) return undefined;
    const content = await readFile(config, "utf8");
    // Another call is writing it.
    if (!/path = ".+"[^}]*\}\s*\}/.test(content)) continue;
    const folder = await cachePeerFolder(["Terraform's mirror", content], (building) =>
      writeFile(join(building, configFile), content),
    );
    return join(folder, configFile);
  }
  throw new Error(`${mirrorTool} wrote no configuration that can be read.`);
};
const configFile = "mirror.tfrc";
let mirrorConfig: Promise<string | undefined> | undefined;

/**
 * Terraform's environment: the process's own, without prompts and update checks, and with a mirror if there is one.
 * Terraform and its provider decode a large schema at each start; fewer garbage collections save a third of that time.
 */
export const buildTerraformEnvironment = async (): Promise<NodeJS.ProcessEnv> => {
  mirrorConfig ??= copyMirrorConfig();
  const config = await mirrorConfig;
  const env = {
    ...process.env,
    CHECKPOINT_DISABLE: "1",
    TF_IN_AUTOMATION: "1",
    TF_INPUT: "0",
    TF_CLI_ARGS_plan: parallelism,
    TF_CLI_ARGS_apply: parallelism,
    TF_CLI_ARGS_destroy: parallelism,
    GOGC: "400",
    ...(config === undefined ? {} : { TF_CLI_CONFIG_FILE: config }),
  };
  if (existsSync(env.TF_CLI_CONFIG_FILE ?? "")) return env;
  // Without a cache Terraform downloads and unpacks 700 MB for each stack.
  const downloads = await cachePeerFolder(["Terraform's providers"], async () => {});
  return {
    TF_PLUGIN_CACHE_DIR: downloads,
    TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE: "1",
    ...env,
  };
};

/** The provider's version in a mirror; undefined: Terraform downloads the version that the stacks name. */
const findMirroredVersion = async (): Promise<string | undefined> => {
  const { TF_CLI_CONFIG_FILE: config } = await buildTerraformEnvironment();
  if (config === undefined || !existsSync(config)) return undefined;
  const mirror = /path = "(.+)"/.exec(await readFile(config, "utf8"))?.[1];
  if (!mirror) return undefined;
  const files = run("find", [
    mirror,
    "-path",
    "*/hashicorp/aws/*",
    "-name",
    "terraform-provider-aws*",
  ]).stdout;
  return /\/aws\/([\d.]+)\//.exec(files)?.[1];
};

/** Providers that create a stack's functions at the same time; each is a process of some hundred MB. */
const functionProviders = 4;

/**
 * Writes `test_override.tf.json` and `test_providers.tf.json` next to a stack. An older provider in this machine's mirror
 * replaces the stack's, with replacements for what it does not support. `state`: `local` keeps the state in the stack's
 * folder; with `bucket` several providers create the functions. `without`: resource types to leave out.
 */
export const overrideStack = async (
  folder: string,
  { state, without = [] }: { readonly state: "local" | "bucket"; readonly without?: readonly string[] },
): Promise<void> => {
  const stack = JSON.parse(await readFile(join(folder, "cdk.tf.json"), "utf8"));
  const version = await findMirroredVersion();
  const isOldProvider = version !== undefined && Number(version.split(".")[0]) < 6;
  const changeAll = (type: string, change: object) =>
    Object.fromEntries(Object.keys(stack.resource?.[type] ?? {}).map((name) => [name, change]));
  // The default is 25 retries, with a wait before each.
  const limits = { max_retries: 2 };
  const functions = Object.keys(stack.resource?.aws_lambda_function ?? {});
  const { copies, selections } =
    state === "bucket"
      ? distributeFunctions(functions, { ...stack.provider.aws[0], ...limits }, functionProviders)
      : { copies: [], selections: {} };
  const runtime = isOldProvider ? { runtime: "nodejs22.x" } : {};
  const changedFunctions = functions
    .map((name) => [name, { ...runtime, ...selections[name] }] as const)
    .filter(([, changed]) => Object.keys(changed).length > 0);
  const resource = Object.fromEntries(
    [
      ["aws_lambda_function", Object.fromEntries(changedFunctions)] as const,
      ...without.map((type) => [type, changeAll(type, { count: 0 })] as const),
    ].filter(([, changed]) => Object.keys(changed).length > 0),
  );
  const override = {
    terraform: {
      ...(state === "local" ? { backend: { local: {} } } : {}),
      ...(version === undefined ? {} : { required_providers: { aws: { source: "hashicorp/aws", version } } }),
    },
    ...(state === "bucket" ? { provider: { aws: limits } } : {}),
    ...(Object.keys(resource).length > 0 ? { resource } : {}),
  };
  await writeFile(join(folder, "test_override.tf.json"), JSON.stringify(override));
  // Terraform's overrides change a provider; they cannot add one.
  await writeFile(join(folder, "test_providers.tf.json"), JSON.stringify({ provider: { aws: copies } }));
};

export type TerraformResult = { readonly code: number | null; readonly output: string };

/** Runs Terraform in a stack's folder for at most `seconds`; returns its output and exit code. */
export const runTerraform = async (
  folder: string,
  args: readonly string[],
  { seconds = 120, env = {} }: { readonly seconds?: number; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<TerraformResult> => {
  const variables = { ...(await buildTerraformEnvironment()), ...env };
  return new Promise((resolve, reject) => {
    const child = spawn("terraform", [`-chdir=${folder}`, ...args], {
      env: variables,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: seconds * 1_000,
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
};
