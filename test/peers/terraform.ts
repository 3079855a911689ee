import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { peer } from "../peer.ts";

/** A line for the shell that makes Terraform use a provider mirror of this machine, where somebody put such a tool. */
const mirrorTool = join(import.meta.dirname, "..", "..", "..", "shared", "tools", "terraform-mirror");

const run = (command: string, args: readonly string[]): SpawnSyncReturns<string> =>
  spawnSync(command, args, { encoding: "utf8" });

/** Whether tests that need Terraform are skipped (see `peer`). */
export const terraformPeer = (tests: string): { readonly skip: boolean } =>
  peer(
    tests,
    run("terraform", ["version"]).status === 0
      ? undefined
      : "terraform does not run here (https://developer.hashicorp.com/terraform/install, 1.11 or later)",
  );

/** What Terraform takes beside the process's own environment: no questions, no news, and a mirror where there is one. */
const environment = (): NodeJS.ProcessEnv => {
  const line = existsSync(mirrorTool) ? run(mirrorTool, []).stdout : "";
  const config = /^export TF_CLI_CONFIG_FILE="(.+)"$/m.exec(line)?.[1];
  return {
    ...process.env,
    CHECKPOINT_DISABLE: "1",
    TF_IN_AUTOMATION: "1",
    TF_INPUT: "0",
    ...(config === undefined ? {} : { TF_CLI_CONFIG_FILE: config }),
  };
};

/** The provider's version that a mirror holds; undefined: Terraform downloads the very one that the stacks name. */
const mirroredVersion = async (): Promise<string | undefined> => {
  const { TF_CLI_CONFIG_FILE: config } = environment();
  if (config === undefined || !existsSync(config)) return undefined;
  const mirror = /path = "(.+)"/.exec(await readFile(config, "utf8"))?.[1];
  if (!mirror) return undefined;
  const found = run("find", [
    mirror,
    "-path",
    "*/hashicorp/aws/*",
    "-name",
    "terraform-provider-aws*",
  ]).stdout;
  return /\/aws\/([\d.]+)\//.exec(found)?.[1];
};

/**
 * Lays `test_override.tf.json` beside a stack: a state in the stack's folder and, where the machine's mirror has an older
 * provider than the stacks are written for, that one, with what it does not know replaced.
 */
export const overrideStack = async (folder: string): Promise<void> => {
  const stack = JSON.parse(await readFile(join(folder, "cdk.tf.json"), "utf8"));
  const version = await mirroredVersion();
  const functions = Object.keys(stack.resource?.aws_lambda_function ?? {});
  const old = version !== undefined && Number(version.split(".")[0]) < 6;
  const override = {
    terraform: {
      backend: { local: {} },
      ...(version === undefined ? {} : { required_providers: { aws: { source: "hashicorp/aws", version } } }),
    },
    ...(old && functions.length > 0
      ? {
          resource: {
            aws_lambda_function: Object.fromEntries(
              functions.map((name) => [name, { runtime: "nodejs22.x" }]),
            ),
          },
        }
      : {}),
  };
  await writeFile(join(folder, "test_override.tf.json"), JSON.stringify(override));
};

/** Runs Terraform in a stack's folder, for at most so many seconds; gives what it wrote and how it ended. */
export const terraform = (
  folder: string,
  args: readonly string[],
  seconds = 120,
): Promise<{ readonly code: number | null; readonly output: string }> =>
  new Promise((resolve, reject) => {
    const child = spawn("terraform", [`-chdir=${folder}`, ...args], {
      env: environment(),
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
