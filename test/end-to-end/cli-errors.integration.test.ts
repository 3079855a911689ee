/** Errors at the start of a rehearsal: each prints one sentence and leaves no partial files. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { CommandResult } from "#test/support/run-command.ts";
import { createFixture, type Fixture, repositoryRoot, slipwayPath } from "./fixture.ts";
import { startRehearsalProcess } from "./rehearsal-process.ts";
import { runSlipway } from "./run-slipway.ts";

const minutes = 60_000;
const ErrorLine = z.strictObject({
  error: z.strictObject({ name: z.string(), message: z.string(), remedy: z.string().nullable() }),
});

describe("errors at the start of a rehearsal", { timeout: 10 * minutes }, () => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await createFixture();
  });
  afterAll(async () => {
    await fixture.remove();
  });
  const rehearse = (...args: string[]) => runSlipway(fixture, ["rehearse", "--json", "--port", "0", ...args]);
  /** One sentence for a person, no stack; on stdout the same error for a program. */
  const expectSentence = ({ code, stdout, stderr }: CommandResult, expected: number, sentence: RegExp) => {
    expect(code, stderr).toBe(expected);
    expect(ErrorLine.parse(JSON.parse(stdout)).error.message).toMatch(sentence);
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(/\n\s+at /);
  };

  test("a port in use exits with 3, names --port, and leaves no partial files", async () => {
    const otherServer = createServer();
    await new Promise<void>((listening) => otherServer.listen(0, "127.0.0.1", listening));
    const { port } = otherServer.address() as AddressInfo;
    try {
      const data = join(fixture.folder, "port");
      expectSentence(
        await rehearse("--data", data, "--port", String(port)),
        3,
        new RegExp(`port ${port} is in use: stop the other program, or choose another port with --port`),
      );
      for (const file of ["state.sqlite", "running.json", "repository", "secrets.env"])
        expect(existsSync(join(data, file)), file).toBe(false);
    } finally {
      await new Promise((closed) => otherServer.close(closed));
    }
  });

  test("a data folder that is a file exits with 3 and keeps the file", async () => {
    const file = join(fixture.folder, "file");
    writeFileSync(file, "mine\n");
    const sentence = /a file is in the place of a folder\. Remove it, or choose another folder with --data/;
    expectSentence(await rehearse("--data", file), 3, sentence);
    expectSentence(await rehearse("--data", join(file, "below")), 3, sentence);
    expectSentence(await rehearse("--data", file, "--fresh"), 3, /--data/);
    expect(readFileSync(file, "utf8")).toBe("mine\n");
  });

  test("a data folder that cannot be created exits with 3", async () => {
    // No user, root included, can create a folder in /proc.
    expectSentence(
      await rehearse("--data", "/proc/slipway/data"),
      3,
      /\/proc\/slipway cannot be created: choose another folder with --data/,
    );
  });

  test("--fresh removes only data folders of Slipway", async () => {
    const folder = join(fixture.folder, "photographs");
    mkdirSync(folder);
    writeFileSync(join(folder, "sea.jpg"), "waves");
    expectSentence(await rehearse("--data", folder, "--fresh"), 3, /is not a data folder of Slipway/);
    expect(readFileSync(join(folder, "sea.jpg"), "utf8")).toBe("waves");
  });

  test("an unknown model exits with 2, and no folder is created", async () => {
    const data = join(fixture.folder, "unknown");
    expectSentence(await rehearse("--data", data, "--model", "nope"), 2, /there is no model nope/);
    expect(existsSync(data)).toBe(false);
  });

  test("an empty signing secret exits with 3, because anyone could sign with it", async () => {
    const result = await runSlipway({ ...fixture, env: { ...fixture.env, SLACK_SIGNING_SECRET: "" } }, [
      ...["rehearse", "--json", "--port", "0", "--data", join(fixture.folder, "empty-secret")],
    ]);
    expectSentence(result, 3, /SLACK_SIGNING_SECRET is set but empty/);
  });

  test("a second rehearsal on the same folder exits with 3 and names the first", async () => {
    await using first = startRehearsalProcess(fixture, { args: ["--port", "0", "--traffic", "0"] });
    await first.waitFor("state");
    expectSentence(
      await rehearse("--data", fixture.data),
      3,
      /is in use \(slipway rehearse, process \d+, since [\dT:.-]+Z, http:\/\/127\.0\.0\.1:\d+\): stop that process, or choose another/,
    );
    expectSentence(await rehearse("--data", fixture.data, "--fresh"), 3, /is in use \(slipway rehearse/);
    // The first continues unaffected.
    await first.waitFor("question");
    first.interrupt();
    expect((await first.ended()).code, first.describe()).toBe(130);
    await first.groupEnded();
  });

  test("a full disk exits with 3 and a sentence", async (context) => {
    const disk = join(fixture.folder, "disk");
    mkdirSync(disk);
    const run = (script: string) =>
      spawnSync("unshare", ["--user", "--map-root-user", "--mount", "sh", "-c", script], {
        cwd: repositoryRoot,
        env: fixture.env,
        encoding: "utf8",
        timeout: 9 * minutes,
        killSignal: "SIGKILL",
      });
    const mount = `mount -t tmpfs -o size=3m none '${disk}'`;
    if (run(mount).status !== 0) {
      console.warn("SKIPPED: the full disk, because this user may not mount a file system here.");
      return context.skip();
    }
    const rehearsal = `'${process.execPath}' '${slipwayPath}' rehearse --approve --json --port 0 --traffic 0 --data '${disk}/data'`;
    const { status, stdout, stderr } = run(`${mount} && ${rehearsal}`);
    expect(status, `${stdout.slice(-2_000)}\n${stderr}`).toBe(3);
    expect(stderr).toMatch(/the disk is full\. Free some space and start again/);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});

const Problems = z.array(z.object({ severity: z.enum(["error", "warning"]) }));

describe("slipway check", () => {
  let fixture: Fixture;
  let folder = "";
  beforeAll(async () => {
    fixture = await createFixture();
    folder = join(fixture.folder, "churn");
    cpSync(join(repositoryRoot, "models", "churn"), folder, { recursive: true });
  });
  afterAll(async () => {
    await fixture.remove();
  });
  const edit = (name: string, change: (text: string) => string) => {
    const file = join(folder, name);
    writeFileSync(file, change(readFileSync(file, "utf8")));
  };

  test("a valid folder exits with 0", async () => {
    const { code, stdout, stderr } = await runSlipway(fixture, ["check", folder]);
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toMatch(/is ready for delivery/);
  });

  test("a folder whose golden vectors differ exits with 1 and is not called ready, because its delivery would fail", async () => {
    const model = join(fixture.folder, "other-golden", "churn");
    cpSync(join(repositoryRoot, "models", "churn"), model, { recursive: true });
    const golden = readFileSync(join(model, "golden.json"), "utf8");
    writeFileSync(join(model, "golden.json"), golden.replace(/"churn": 0\.\d+/, '"churn": 0.5'));
    const { code, stdout } = await runSlipway(fixture, ["check", model]);
    expect(stdout).toContain("✗");
    expect(stdout).toContain("GoldenVectorsDiffer");
    expect(stdout).not.toContain("is ready for delivery");
    expect(code).toBe(1);
    const { stdout: json } = await runSlipway(fixture, ["check", model, "--json"]);
    expect(JSON.parse(json)).toMatchObject([{ severity: "warning", failsDelivery: true }]);
  });

  test("a folder beside a policy is told how much traffic its canary needs", async () => {
    const { code, stdout } = await runSlipway(fixture, ["check", join(repositoryRoot, "models", "churn")]);
    expect(code).toBe(0);
    expect(stdout).toContain("A canary of it needs 13 requests a minute on prod");
  });

  test("a model beside an invalid policy.yaml is not ready: a delivery of that commit fails", async () => {
    const repository = join(fixture.folder, "with-policy");
    const model = join(repository, "models", "churn");
    cpSync(join(repositoryRoot, "models", "churn"), model, { recursive: true });
    writeFileSync(join(repository, "policy.yaml"), "approvals: {}\n");
    const { code, stdout, stderr } = await runSlipway(fixture, ["check", model]);
    expect({ code, stderr }, stdout).toEqual({ code: 1, stderr: "" });
    expect(stdout).toContain(`✗ ${join(repository, "policy.yaml")}: `);
    expect(stdout).not.toContain("is ready for delivery");
  });

  test("a model whose approvers the policy does not have is not ready, and is told whom it may choose", async () => {
    const repository = join(fixture.folder, "other-approvers");
    const model = join(repository, "models", "churn");
    cpSync(join(repositoryRoot, "models", "churn"), model, { recursive: true });
    const policy = readFileSync(join(repositoryRoot, "policy.yaml"), "utf8");
    writeFileSync(join(repository, "policy.yaml"), policy.replace("[U024BE7LH]", "[U01ADA, U02BEN]"));
    const { code, stdout } = await runSlipway(fixture, ["check", model]);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /model\.yaml:\d+:\d+: approval\.approvers: none of them is in policy\.yaml\. Choose from: U01ADA, U02BEN\./,
    );
  });

  test("each mistake in model.yaml is shown with file, line and remedy: exit 1", async () => {
    edit("model.yaml", (text) =>
      text
        .replace("timeoutSeconds: 30", "timeoutSecond: 30")
        .replace("latencyP95Ms: 50", "latencyP95Ms: fast")
        .replace("quorum: 1", "quorum: 0"),
    );
    const lines = readFileSync(join(folder, "model.yaml"), "utf8").split("\n");
    const findLine = (text: string) => lines.findIndex((line) => line.includes(text)) + 1;
    const { code, stdout, stderr } = await runSlipway(fixture, ["check", folder]);
    expect({ code, stderr }, stdout).toEqual({ code: 1, stderr: "" });
    for (const mistake of ["timeoutSecond", "latencyP95Ms", "quorum"])
      expect(stdout).toContain(`model.yaml:${findLine(mistake)}`);
    const json = await runSlipway(fixture, ["check", folder, "--json"]);
    expect(json.code).toBe(1);
    expect(Problems.parse(JSON.parse(json.stdout)).length).toBeGreaterThanOrEqual(3);
  });

  test("a truncated ONNX file exits with 1, and a missing folder with 2", async () => {
    cpSync(join(repositoryRoot, "models", "churn"), folder, { recursive: true });
    writeFileSync(join(folder, "model.onnx"), readFileSync(join(folder, "model.onnx")).subarray(0, 1_000));
    const broken = await runSlipway(fixture, ["check", folder]);
    expect(broken.code, broken.stdout + broken.stderr).toBe(1);
    expect(broken.stdout).toMatch(/model\.onnx/);
    for (const command of ["check", "image"]) {
      const missing = await runSlipway(fixture, [command, join(fixture.folder, "nowhere")]);
      expect(missing.code, command).toBe(2);
      expect(missing.stderr).toMatch(/nowhere is not a folder: name the folder of a model/);
    }
  });
});

describe("the command line", { timeout: 10 * minutes }, () => {
  const fixture = { env: { ...process.env, NO_COLOR: "1" }, outputs: [] };

  test("--help lists every command, and each command has its own --help: exit 0", async () => {
    const { code, stdout } = await runSlipway(fixture, ["--help"]);
    expect(code).toBe(0);
    const commands = [...stdout.matchAll(/^ {2}([a-z]+) +(?:\[options\] |<)/gm)].map(
      ([, name]) => name ?? "",
    );
    expect(commands).toEqual(
      expect.arrayContaining([
        ...["rehearse", "status", "predict", "history", "rollback"],
        ...["image", "check", "retire", "deliver", "approvals", "approve", "reject"],
      ]),
    );
    for (const command of commands) {
      const help = await runSlipway(fixture, [command, "--help"]);
      expect(help, command).toMatchObject({ code: 0, stderr: "" });
      expect(help.stdout).toContain(`Usage: slipway ${command}`);
    }
  });

  test.each([
    [["bogus"], /unknown command 'bogus'/],
    [["rollbak"], /Did you mean rollback\?/],
    [["rehearse", "--bake", "soon"], /write 500ms, 3s, 2m, 1h or manifest/],
    [["rehearse", "--port", "70000"], /a port is a number from 0 to 65535/],
    [["rehearse", "--approve", "--reject"], /cannot be used with option/],
    [["rehearse", "--change", "best"], /Allowed choices are first, second, better, worse, broken/],
    [["status", "--data", "/nonexistent/slipway"], /holds no deliveries yet: run `npm start` first/],
  ])("%j is a usage error: exit 2 and a sentence", async (args, sentence) => {
    const { code, stdout, stderr } = await runSlipway(fixture, args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(sentence);
  });
});
