import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { config } from "#terraform/config.ts";
import { listStacks } from "#terraform/terraform-invocations.ts";
import { installCrane, requireCrane, startRegistry } from "#test/peers/crane.ts";
import { type Moto, startMoto } from "#test/peers/moto.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { requireTerraform, runTerraform } from "#test/peers/terraform.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createAccountProfiles } from "./account-profiles.ts";
import { listDirtyStacks } from "./list-dirty-stacks.ts";
import { copyCheckout } from "./runbook/copy-checkout.ts";
import { type RunbookCommand, type RunbookStep, readRunbook } from "./runbook/read-runbook.ts";

const suite = "the runbook, run on moto";
const skip = requireTerraform(suite).skip || requirePython(suite).skip || requireCrane(suite).skip;
const timeout = 1_800_000;
const shims = fileURLToPath(new URL("runbook/", import.meta.url));
const zeros = "$" + '{"0".repeat(64)}';

/** Each test continues from the state of the previous test. */
describe.skipIf(skip)("docs/infrastructure.md, A first deployment", () => {
  let steps: readonly RunbookStep[];
  let moto: Moto;
  let registry: Awaited<ReturnType<typeof startRegistry>>;
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let checkout: string;
  let env: NodeJS.ProcessEnv;
  /** The `export` lines so far: a person stays in one shell. */
  const exported: string[] = [];

  const run = async (command: string): Promise<{ readonly code: number | null; readonly output: string }> => {
    // Without pipefail a failed `aws … | crane …` would go unnoticed.
    const script = [...exported, command].join("\n");
    const child = spawn("bash", ["-e", "-o", "pipefail", "-c", script], { cwd: checkout, env });
    // Every question of Terraform is answered.
    child.stdin.on("error", () => undefined);
    child.stdin.end("yes\n".repeat(50_000));
    const [output, errors, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close"),
    ]);
    return { code, output: code === 0 ? output : `${output}\n${errors}` };
  };

  /** What a person writes for the document's `<account>`, `<region>` and `…`. */
  const fillIn = (command: string): string =>
    command
      .replaceAll("<account>", config.tooling.account)
      .replaceAll("<region>", config.tooling.region)
      .replaceAll("…", "runbook");

  /** Puts a digest into the configuration, in place of its zeros. */
  const configure = async (name: string, digest: string): Promise<void> => {
    const file = join(checkout, "terraform", "config.ts");
    const key = name.split(".").at(-1);
    const before = await readFile(file, "utf8");
    const lines = before
      .split("\n")
      .map((line) =>
        new RegExp(`^\\s*${key}:`).test(line) ? line.replace(`sha256:${zeros}`, digest) : line,
      );
    expect(lines.join("\n")).not.toBe(before);
    await writeFile(file, lines.join("\n"));
  };

  const runCommand = async ({ command, outputTo }: RunbookCommand): Promise<string> => {
    const { code, output } = await run(fillIn(command));
    expect([command, code, code === 0 ? "" : output.slice(-6_000)]).toEqual([command, 0, ""]);
    if (/^export /.test(command)) exported.push(command);
    if (outputTo !== undefined) await configure(outputTo, output.trim());
    return output;
  };
  const listCommands = (number: number): readonly RunbookCommand[] =>
    steps.find((step) => step.number === number)?.commands ?? [];
  /** Commands that run already, because they need less than the steps before them. */
  const started = new Map<RunbookCommand, Promise<string>>();
  const startEarly = (command: RunbookCommand): void => {
    const output = runCommand(command);
    // Its own step reports the error.
    output.catch(() => undefined);
    started.set(command, output);
  };
  const runStep = async (number: number): Promise<readonly string[]> => {
    const outputs: string[] = [];
    for (const command of listCommands(number))
      outputs.push(await (started.get(command) ?? runCommand(command)));
    return outputs;
  };

  beforeAll(async () => {
    folder = await createTemporaryFolder();
    checkout = join(folder.path, "slipway");
    await copyCheckout(checkout);
    steps = readRunbook(
      await readFile(join(checkout, "docs", "infrastructure.md"), "utf8"),
      "A first deployment",
    );
    moto = await startMoto();
    registry = await startRegistry();
    const crane = join(await installCrane(), "crane");
    const bin = join(folder.path, "bin");
    await mkdir(bin);
    for (const name of ["aws", "crane", "terraform"]) {
      const shim = `#!/bin/sh\nexec "${process.execPath}" "${join(shims, `${name}-shim-process.ts`)}" "$@"\n`;
      await writeFile(join(bin, name), shim);
      await chmod(join(bin, name), 0o755);
    }
    const { surroundings } = await createAccountProfiles(moto.endpoint, config, folder.path);
    env = {
      ...surroundings,
      PATH: [bin, process.env.PATH].join(delimiter),
      HOME: process.env.HOME,
      DOCKER_CONFIG: join(folder.path, "docker"),
      NO_COLOR: "1",
      RUNBOOK_REGISTRY: registry.address,
      RUNBOOK_CRANE: crane,
      RUNBOOK_TERRAFORM: execFileSync("which", ["terraform"], { encoding: "utf8" }).trim(),
      // Slack and the HTTP APIs of AWS: the command calls nothing outside this machine.
      NODE_USE_ENV_PROXY: "1",
      HTTPS_PROXY: "http://127.0.0.1:9",
      NO_PROXY: "127.0.0.1",
    };
    // What public registries have.
    const layer = join(folder.path, "layer.tar");
    await writeFile(layer, Buffer.alloc(1_024));
    for (const image of [
      "public.ecr.aws/lambda/nodejs:24",
      "public.ecr.aws/codebuild/amazonlinux-aarch64-standard:4.0",
    ]) {
      const tag = `${registry.address}/${image}`;
      execFileSync(crane, ["append", "--oci-empty-base", "-f", layer, "-t", tag], { stdio: "ignore" });
      execFileSync(crane, ["mutate", "--set-platform", "linux/arm64", "-t", tag, tag], { stdio: "ignore" });
    }
  }, timeout);
  afterAll(async () => {
    await registry?.stop();
    await moto?.stop();
    await folder?.remove();
  });

  test("has nine steps, and commands in all that are not done in a browser", () => {
    expect(steps.map(({ number, commands }) => [number, commands.length > 0])).toEqual([
      [1, true],
      [2, true],
      [3, true],
      [4, true],
      [5, true],
      [6, true],
      [7, true],
      // Commit and push, and GitHub's settings.
      [8, false],
      [9, true],
    ]);
  });

  test("1. the configuration: synth says which digest is still missing", { timeout }, async () => {
    const outputs = await runStep(1);
    expect(outputs.at(-1)).toMatch(/The stacks are in .*cdktf\.out\/stacks\.\n$/);
  });

  test("2. the three bootstraps", { timeout }, async () => {
    // A second shell: the build needs no account, and Terraform mostly waits for AWS.
    const [build] = listCommands(3);
    expect(build?.command).toBe("npm run build");
    if (build !== undefined) startEarly(build);
    for (const output of await runStep(2)) expect(output).toContain("Apply complete!");
  });

  test("3. registry and environments", { timeout }, async () => {
    const output = (await runStep(3)).at(-1) ?? "";
    expect(output.match(/Apply complete!/g)).toHaveLength(4);
  });

  test("4. delivery, an image, delivery again", { timeout }, async () => {
    const outputs = await runStep(4);
    expect(outputs.filter((output) => output.includes("Apply complete!"))).toHaveLength(2);
  });

  test("5. secrets, and 6. the callback's address", { timeout }, async () => {
    await runStep(5);
    const [outputs = ""] = await runStep(6);
    expect(JSON.parse(outputs)).toMatchObject({ SLACK_CALLBACK_URL: expect.stringContaining("https://") });
  });

  test("7. the policy", { timeout }, async () => {
    expect(await runStep(7)).toEqual([expect.stringContaining("The platform's policy was written from")]);
  });

  test("9. the doctor misses only what is outside AWS, what moto does not serve, and step 8's push", {
    timeout,
  }, async () => {
    const [{ command = "" } = {}] = steps.find(({ number }) => number === 9)?.commands ?? [];
    const { code, output } = await run(command);
    const missing = output.split("\n").filter((line) => line.startsWith("✗"));
    const outside =
      /^✗ The (check of (Slack|Slack's (callbacks|scopes|channel)|MLflow) failed|repository models (has no branch|cannot be read))/;
    expect(missing.filter((line) => !outside.test(line))).toEqual([]);
    expect(code).toBe(3);
    expect(output).toContain("✓ The profile is of the tooling account");
  });

  test("a second plan of each stack is empty", { timeout }, async () => {
    const profiles: Readonly<Record<string, string>> = {
      "bootstrap-stage": "stage",
      "bootstrap-prod": "prod",
    };
    const { PATH: _, HTTPS_PROXY: __, ...surroundings } = env;
    const plan = (stack: string) =>
      runTerraform(
        join(checkout, "terraform", "cdktf.out", "stacks", stack),
        ["plan", "-no-color", "-input=false", "-detailed-exitcode"],
        { seconds: 300, env: { ...surroundings, AWS_PROFILE: profiles[stack] ?? "tooling" } },
      );
    expect(await listDirtyStacks(listStacks(config), plan)).toEqual({});
  });
});
