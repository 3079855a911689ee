/** What all commands do alike: unknown models, JSON, errors. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, readdir, watch } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { runCommand } from "#test/support/run-command.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import { acquireDataFolder } from "#worlds/embedded/data/data-folder-ownership.ts";
import { createWatchedRepository } from "#worlds/embedded/scenario/watched-repository.ts";

const checkout = join(import.meta.dirname, "..");
const env = { NO_COLOR: "1" };
let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
let data = "";

/** A data folder whose repository has churn, and that has served nothing yet. */
beforeAll(async () => {
  folder = await createTemporaryFolder();
  data = join(folder.path, "data");
  const created = await runCommand(["keys", "create", "--name", "app", "--all-models", "--data", data], env);
  expect(created.code, created.stderr).toBe(0);
  const repository = createWatchedRepository({ folder: resolveDataFolder(data).repository, checkout });
  await repository.prepare();
  await repository.commitChange("churn", "first");
});
afterAll(() => folder.remove());

test.each([
  [["status", "chrun"]],
  [["predict", "chrun"]],
  [["history", "chrun"]],
  [["events", "--model", "chrun"]],
  [["rollback", "chrun"]],
  [["retire", "chrun"]],
  [["deliver", "chrun"]],
  [["rehearse", "--model", "chrun"]],
  [["rehearse", "--change", "better", "--model", "chrun"]],
  [["canary", "chrun"]],
  [["canary", "hold", "chrun", "--for", "30m", "--reason", "late peak", "--as", "U024BE7LH"]],
  [["canary", "go", "chrun", "--as", "U024BE7LH"]],
  [["canary", "abort", "chrun", "--reason", "wrong labels", "--as", "U024BE7LH"]],
  [["audit", "chrun"]],
  [["audit", "chrun", "--version", "1", "--out", "never-written.json"]],
  [["freeze", "chrun", "--until", "PT1H", "--reason", "release week"]],
  [["unfreeze", "chrun"]],
  [["approve", "chrun", "--as", "U024BE7LH"]],
  [["reject", "chrun", "--as", "U024BE7LH", "--reason", "wrong labels"]],
  [["keys", "create", "--name", "app", "--models", "churn,chrun"]],
])("%j: an unknown model exits with 2, and the nearest name is said, also as JSON", async (args) => {
  const { code, stdout, stderr } = await runCommand([...args, "--json", "--data", data], env);
  expect(code, stderr).toBe(2);
  expect(stderr).toMatch(/^✗ there is no model chrun\. Did you mean churn\?\n {2}→ Models: churn/);
  expect(JSON.parse(stdout)).toEqual({
    error: {
      name: "ModelUnknown",
      message: "there is no model chrun. Did you mean churn?",
      remedy: expect.stringMatching(/^Models: churn/),
    },
  });
});

test.each([
  [["predict", "churn"]],
  [["deliver", "churn"]],
  [["approve", "churn", "--as", "U024BE7LH"]],
  [["reject", "churn", "--as", "U024BE7LH", "--reason", "wrong labels"]],
  [["canary", "hold", "churn", "--for", "30m", "--reason", "late peak", "--as", "U024BE7LH"]],
  [["canary", "go", "churn", "--as", "U024BE7LH"]],
  [["canary", "abort", "churn", "--reason", "wrong labels", "--as", "U024BE7LH"]],
  [["doctor", "slack"]],
])("%j: without a running rehearsal it does nothing, says so, and exits with 3", async (args) => {
  const { code, stdout, stderr } = await runCommand([...args, "--json", "--data", data], env);
  expect(code, stderr).toBe(3);
  expect(stderr).toMatch(/^✗ no rehearsal runs on .*start one with `npm start`/i);
  expect(JSON.parse(stdout)).toMatchObject({ error: { name: "NotRunning" } });
});

test("a freeze that ends says that deliveries go on only in a rehearsal", async () => {
  const freeze = ["freeze", "churn", "--until", "PT1H", "--reason", "release week", "--data", data];
  expect((await runCommand(freeze, env)).code).toBe(0);
  const { stdout } = await runCommand(["unfreeze", "churn", "--data", data], env);
  expect(stdout).toMatch(/go on once a rehearsal runs: start one with `npm start`/);
});

test("a folder or name of no model is exit 2 with the nearest for the commands that take one", async () => {
  const client = await runCommand(["client", "chrun", "--lang", "ts", "--json"], env);
  expect(client.code).toBe(2);
  expect(JSON.parse(client.stdout)).toMatchObject({
    error: { name: "ModelUnknown", message: "there is no model chrun. Did you mean churn?" },
  });
  for (const command of ["serve", "image", "check"]) {
    const { code, stderr } = await runCommand([command, "models/chrun"], env);
    expect({ command, code }).toEqual({ command, code: 2 });
    expect(stderr).toMatch(/Did you mean models\/churn\?/);
  }
});

test("a folder of keys for `serve` knows no models, so a name that no folder here has is a warning", async () => {
  const { code, stderr } = await runCommand(
    ["keys", "create", "--name", "app", "--models", "chrun", "--data", join(folder.path, "serve")],
    env,
  );
  expect(code).toBe(0);
  expect(stderr).toMatch(/^! no folder models\/ here has chrun\. Did you mean churn\?/);
});

test("a known model that nothing serves yet is not unknown", async () => {
  const status = await runCommand(["status", "churn", "--json", "--data", data], env);
  const nothing = { serving: [], deliveries: [], approvals: [], freezes: [] };
  expect(JSON.parse(status.stdout)).toEqual({ running: false, ...nothing });
  const rollback = await runCommand(["rollback", "churn", "--to", "v2", "--json", "--data", data], env);
  expect(rollback.code).toBe(1);
  expect(JSON.parse(rollback.stdout)).toMatchObject({ error: { name: "NothingBefore" } });
});

test("a folder that is near to a model's is named", async () => {
  const { code, stderr } = await runCommand(["check", join(checkout, "models", "chrun")], env);
  expect(code).toBe(2);
  expect(stderr).toMatch(/is not a folder: .*Did you mean .*models\/churn\?/);
});

test("a file that is not there is said in words, not in the system's code", async () => {
  const audit = await runCommand(["audit", "--verify", "nowhere.json", "--json"], env);
  expect(audit.code).toBe(2);
  expect(audit.stderr).toBe("✗ nowhere.json does not exist: name another file.\n");
});

test("a wrong command line is an error in JSON too, with the command whose help explains it", async () => {
  const { code, stdout } = await runCommand(["keys", "rotate", "--json", "--graces", "PT1H"], env);
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toEqual({
    error: {
      name: "UsageMistake",
      message: "unknown option '--graces' (Did you mean --grace?)",
      remedy: "`slipway keys rotate --help` shows what is possible.",
    },
  });
});

test.each([
  [["status", "--wach"], "unknown option '--wach' (Did you mean --watch?); `slipway status --help`"],
  [
    ["keys", "rotate", "--graces", "PT1H"],
    "unknown option '--graces' (Did you mean --grace?); `slipway keys rotate --help`",
  ],
  [
    ["canary", "churn", "--onc"],
    "unknown option '--onc' (Did you mean --once?); `slipway canary watch --help`",
  ],
  [
    ["canary", "hold", "churn", "--as", "U024BE7LH"],
    "required option '--for <time>' not specified; `slipway canary hold --help`",
  ],
  [["statsu"], "unknown command 'statsu' (Did you mean status?); `slipway --help`"],
  [
    ["completion", "powershell"],
    "command-argument value 'powershell' is invalid for argument 'shell'. Allowed choices are bash, zsh, fish; `slipway completion --help`",
  ],
])(
  "%j: a wrong command line is one line on stderr, with what is near and how to go on",
  async (args, line) => {
    const { code, stdout, stderr } = await runCommand(args, env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr.startsWith(`error: ${line}`), stderr).toBe(true);
    expect(stderr.trimEnd()).not.toContain("\n");
  },
);

test("a completion script is a field of an object with --json, the same text as without", async () => {
  const plain = await runCommand(["completion", "bash"], env);
  const { code, stdout } = await runCommand(["completion", "bash", "--json"], env);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ shell: "bash", script: plain.stdout.trimEnd() });
});

type CommandForm = {
  readonly options: { readonly [flag: string]: unknown };
  readonly commands: { readonly [name: string]: CommandForm };
};
const CommandForm: z.ZodType<CommandForm> = z.lazy(() =>
  z.object({
    options: z.record(z.string(), z.unknown()),
    commands: z.record(z.string(), CommandForm),
  }),
);

const readCommandForms = (): CommandForm => {
  const file = join(checkout, "test/contracts/public-forms/commands.json");
  return z.object({ slipway: CommandForm }).parse(JSON.parse(readFileSync(file, "utf8"))).slipway;
};

test("the README's table has every command", () => {
  const rows = readFileSync(join(checkout, "README.md"), "utf8").split("\n");
  const cells = rows.filter((row) => row.startsWith("| `")).map((row) => row.split(" | ")[0] ?? "");
  const documented = new Set(
    cells.flatMap((cell) => [...cell.matchAll(/`([a-z]+)/g)].map(([, name]) => name)),
  );
  const commands = Object.keys(readCommandForms().commands);
  // The scripts of `completion` call it.
  expect(commands.filter((name) => !documented.has(name))).toEqual(["complete"]);
});

test("every command has --json, except the one that shells call", () => {
  const slipway = readCommandForms();
  const findWithout = (path: string, { options, commands }: CommandForm): readonly string[] => {
    const inner = Object.entries(commands);
    if (inner.length === 0) return "--json" in options ? [] : [path];
    return inner.flatMap(([name, form]) => findWithout(`${path} ${name}`, form));
  };
  expect(findWithout("slipway", slipway)).toEqual(["slipway complete"]);
});

test("the --help of each command has examples, which its own parser takes", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(checkout, "test/support/read-examples-process.ts"),
  ]);
  const examples = z
    .array(z.object({ path: z.string(), line: z.string().nullable(), problem: z.string().nullable() }))
    .parse(JSON.parse(stdout));
  expect(examples.length).toBeGreaterThan(40);
  // The two commands for shells say how a shell calls them.
  expect(examples.filter(({ problem, path }) => problem !== null && !path.startsWith("complet"))).toEqual([]);
});

test("status --watch --json prints a line for each change, and Ctrl-C ends it", async () => {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, "slipway.ts"), "status", "--watch", "--json", "--data", data],
    { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...env } },
  );
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const readRunning = async () =>
    z.object({ running: z.boolean() }).parse(JSON.parse((await lines.next()).value ?? "")).running;
  expect(await readRunning()).toBe(false);
  const ownership = acquireDataFolder(resolveDataFolder(data), { command: "rehearse", now: Date.now() });
  try {
    ownership.announce("http://127.0.0.1:9", "http://127.0.0.1:9");
    expect(await readRunning()).toBe(true);
  } finally {
    ownership.release();
  }
  expect(await readRunning()).toBe(false);
  const ended = once(child, "exit");
  child.kill("SIGINT");
  expect((await lines.next()).done).toBe(true);
  expect(await ended).toEqual([130, null]);
});

test("Ctrl-C ends a command with 130, and its temporary folders are removed", async () => {
  const temporary = join(folder.path, "temporary");
  await mkdir(temporary);
  const child = spawn(process.execPath, [join(import.meta.dirname, "slipway.ts"), "check", "models/churn"], {
    cwd: checkout,
    stdio: "ignore",
    env: { ...process.env, ...env, TMPDIR: temporary },
  });
  const ended = once(child, "exit");
  for await (const { filename } of watch(temporary)) if (filename?.startsWith("slipway-check-")) break;
  child.kill("SIGINT");
  expect(await ended).toEqual([130, null]);
  await expect.poll(() => readdir(temporary)).toEqual([]);
});

test("status says that prod is closed, by whom and why, although no delivery waits for it", async () => {
  const freeze = ["freeze", "churn", "--until", "P3D", "--reason", "the sale", "--data", data];
  const frozen = await runCommand(freeze, env);
  expect(frozen.code, frozen.stderr).toBe(0);
  const { stdout } = await runCommand(["status", "churn", "--data", data], env);
  expect(stdout).toMatch(/… prod is closed: churn is frozen by .+: the sale; until 2\d{3}-.* UTC, in 3 d/);
  const json = await runCommand(["status", "--json", "--data", data], env);
  expect(JSON.parse(json.stdout)).toMatchObject({ freezes: [{ scope: "churn", reason: "the sale" }] });
});
