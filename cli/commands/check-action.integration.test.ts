import { execFileSync, spawnSync } from "node:child_process";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";

const folder = join(import.meta.dirname, "../../.github/actions/check");
/** https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax#runs-for-composite-actions */
const Action = z.strictObject({
  name: z.string(),
  description: z.string(),
  inputs: z.record(z.string(), z.strictObject({ description: z.string(), default: z.string() })),
  runs: z.strictObject({
    using: z.literal("composite"),
    steps: z.array(
      z.union([
        z.strictObject({ uses: z.string(), with: z.record(z.string(), z.unknown()).optional() }),
        z.strictObject({
          name: z.string(),
          // A composite action's script has no default shell.
          shell: z.literal("bash"),
          env: z.record(z.string(), z.string()).optional(),
          run: z.string(),
        }),
      ]),
    ),
  }),
});

const readAction = async () => Action.parse(parse(await readFile(join(folder, "action.yml"), "utf8")));

test("the action pins actions to a commit, and no text of others is part of a script", async () => {
  for (const step of (await readAction()).runs.steps)
    if ("uses" in step) expect(step.uses).toMatch(/^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/);
    else expect(step.run).not.toContain("${{");
});

describe("on a pull request", () => {
  let repository: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let base = "";
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.com", ...args], {
      cwd: repository.path,
      encoding: "utf8",
    }).trim();
  const commit = () => {
    git("add", "-A");
    git("commit", "-qm", "change");
    return git("rev-parse", "HEAD");
  };
  beforeEach(async () => {
    repository = await createTemporaryFolder();
    git("init", "-q");
    await mkdir(join(repository.path, "models"));
    for (const model of ["churn", "transit-time"])
      await cp(join("models", model), join(repository.path, "models", model), { recursive: true });
    base = commit();
  });
  afterEach(() => repository.remove());

  /** Runs the step's script as a runner does. */
  const check = async (variables: Readonly<Record<string, string>> = {}) => {
    const step = (await readAction()).runs.steps.at(-1);
    if (!step || !("run" in step)) throw new Error("the last step has no script");
    const { status, stdout, stderr } = spawnSync("bash", ["-e", "-o", "pipefail", "-c", step.run], {
      cwd: variables.GITHUB_WORKSPACE ?? repository.path,
      encoding: "utf8",
      env: {
        // As actions/setup-node sets it. A fork's pull request has no secret, and neither has this.
        PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
        HOME: repository.path,
        GITHUB_ACTIONS: "true",
        GITHUB_ACTION_PATH: folder,
        GITHUB_WORKSPACE: repository.path,
        FOLDER: ".",
        BASE: base,
        ...variables,
      },
    });
    const lines = stdout.trim().split("\n");
    // What GitHub takes for commands: nothing between these two lines.
    const [marker = ""] = lines.filter((line) => line.startsWith("::stop-commands::"));
    const resumed = lines.indexOf(`::${marker.slice("::stop-commands::".length)}::`);
    return {
      status,
      lines,
      stderr,
      annotations: [...lines.slice(0, lines.indexOf(marker)), ...lines.slice(resumed + 1)].filter((line) =>
        line.startsWith("::"),
      ),
    };
  };
  const change = async (file: string, edit: (text: string) => string) => {
    const path = join(repository.path, file);
    await writeFile(path, edit(await readFile(path, "utf8").catch(() => "")));
    return commit();
  };

  test("a mistake is annotated at its line, and models that did not change are not checked", async () => {
    const manifest = await readFile(join("models", "churn", "model.yaml"), "utf8");
    const line = manifest.split("\n").findIndex((each) => each.startsWith("task:")) + 1;
    await change("models/churn/model.yaml", (text) => text.replace(/^task:.*/m, "task: guessing"));
    const { status, lines } = await check();
    expect(status).toBe(1);
    expect(lines).toContainEqual(
      expect.stringMatching(new RegExp(`^::error file=models/churn/model\\.yaml,line=${line},`)),
    );
    expect(lines.at(-1)).toBe("Models checked: 1.");
  });

  test("a correct change passes, and a removed model is not checked", async () => {
    await rm(join(repository.path, "models", "transit-time"), { recursive: true });
    await change("models/churn/model.yaml", (text) => `${text}\n# reviewed\n`);
    const { status, lines } = await check();
    expect(lines.filter((each) => each.startsWith("::error"))).toEqual([]);
    expect([status, lines.at(-1)]).toEqual([0, "Models checked: 1."]);
  });

  test("a policy that changes concerns every model", async () => {
    await change("policy.yaml", () => "wrong: true\n");
    const { status, lines } = await check();
    expect([status, lines.at(-1)]).toEqual([1, "Models checked: 2."]);
    expect(lines).toContainEqual(expect.stringMatching(/^::error file=policy\.yaml,/));
  });

  test("a folder that is no model is an error of the pull request", async () => {
    await mkdir(join(repository.path, "models", "notes"));
    await change("models/notes/readme.txt", () => "notes");
    const { status, lines } = await check();
    expect(status).toBe(1);
    expect(lines.filter((each) => each.startsWith("::error"))).not.toEqual([]);
  });

  test("no change of models checks nothing; no base is an error", async () => {
    await change("readme.txt", () => "text");
    const { status, lines, annotations } = await check();
    expect([status, lines.at(-1), annotations]).toEqual([0, "Models checked: 0.", []]);
    for (const BASE of ["", "--output=/tmp/x"])
      expect(await check({ BASE })).toMatchObject({
        status: 1,
        annotations: [expect.stringMatching(/^::error title=slipway check::There is no commit/)],
      });
  });

  test("models that cannot be found are an error, and never look checked", async () => {
    await change("models/churn/model.yaml", (text) => text.replace(/^task:.*/m, "task: guessing"));
    for (const [variables, reason] of [
      // The repository that it would be fetched from is not there.
      [{ BASE: "a".repeat(40) }, "git fetch failed"],
      // As in a container whose user does not own the checkout.
      [{ GIT_DIR: "/nonexistent" }, "failed"],
    ] as const) {
      const { status, lines, annotations } = await check(variables);
      expect([status, annotations]).toEqual([1, [expect.stringContaining(reason)]]);
      expect(lines.join("\n")).not.toContain("Models checked");
    }
  });

  test("a base that a shallow checkout lacks is fetched, without a secret, wherever in the workspace it is", async () => {
    await change("models/churn/model.yaml", (text) => text.replace(/^task:.*/m, "task: guessing"));
    const workspace = await createTemporaryFolder();
    const folder = "our models";
    execFileSync("git", [
      "clone",
      "-q",
      "--depth=1",
      `file://${repository.path}`,
      join(workspace.path, folder),
    ]);
    const { lines, annotations } = await check({ GITHUB_WORKSPACE: workspace.path, FOLDER: folder });
    expect(lines.at(-1)).toBe("Models checked: 1.");
    expect(annotations).toContainEqual(
      expect.stringMatching(/^::error file=models\/churn\/model\.yaml,line=/),
    );
    await workspace.remove();
  });

  test("an artefact in a bucket, which a fork's pull request has no credentials for, is an error that says so", async () => {
    await cp("policy.yaml", join(repository.path, "policy.yaml"));
    await change("policy.yaml", (text) => text.replace("buckets: []", "buckets: [acme-models]"));
    await rm(join(repository.path, "models", "churn", "model.onnx"));
    base = await change("readme.txt", () => "text");
    await change("models/churn/model.yaml", (text) =>
      text.replace(
        /^artifact:.*/m,
        `artifact: { uri: "s3://acme-models/a.onnx", sha256: "${"a".repeat(64)}" }`,
      ),
    );
    const { status, annotations } = await check();
    expect(status).toBe(1);
    expect(annotations).toEqual([
      expect.stringMatching(
        /^::error file=models\/churn\/model\.yaml,.*The model was not checked\. .*AWS_REGION/,
      ),
    ]);
  });

  test("of more problems than GitHub shows each model's first are annotated, and the summary has all", async () => {
    for (const model of ["churn", "transit-time"])
      await change(
        `models/${model}/model.yaml`,
        (text) => `${text}\n${Array.from({ length: 30 }, (_, index) => `unknown${index}: 1`).join("\n")}\n`,
      );
    const summary = join(repository.path, "summary.md");
    const { status, annotations } = await check({ GITHUB_STEP_SUMMARY: summary });
    expect(status).toBe(1);
    expect(annotations.filter((line) => line.startsWith("::error "))).toHaveLength(10);
    for (const model of ["churn", "transit-time"])
      expect(annotations.join("\n")).toContain(`file=models/${model}/model.yaml,line=`);
    expect(annotations.at(-1)).toMatch(/5\d more errors/);
    const text = await readFile(summary, "utf8");
    for (const name of ["unknown0", "unknown29"]) expect(text.split(name).length).toBeGreaterThan(2);
  });

  test("texts of a pull request are no commands of GitHub Actions", async () => {
    await change("models/churn/model.yaml", (text) =>
      text.replace(/^task:.*/m, 'task: "x\\n::error file=a::forged\\n::add-mask::a"'),
    );
    const { status, annotations } = await check();
    expect(status).toBe(1);
    expect(annotations.filter((line) => !/^::(error|warning) file=models\/churn\//.test(line))).toEqual([]);
  });
});
