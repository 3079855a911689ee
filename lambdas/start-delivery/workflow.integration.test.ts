import { execFileSync, spawnSync } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { requirePeer } from "#test/support/require-peer.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createPushEventHandler } from "./push-handler.ts";

const file = join(import.meta.dirname, "../../.github/workflows/deliver.yml");
const Workflow = z.object({
  on: z.object({ push: z.object({ branches: z.array(z.string()) }), workflow_dispatch: z.unknown() }),
  permissions: z.strictObject({}),
  jobs: z.object({
    start: z.object({
      permissions: z.record(z.string(), z.string()),
      steps: z.array(
        z.object({ uses: z.string().optional(), run: z.string().optional(), env: z.unknown().optional() }),
      ),
    }),
  }),
});
const hasJq = spawnSync("jq", ["--version"]).error === undefined;
const { skip } = requirePeer(
  "tests of the workflow's script",
  hasJq ? undefined : "jq, which GitHub's runners have, is not installed (apt-get install jq)",
);

describe("the workflow that sends pushes", () => {
  let text: string;
  let workflow: z.infer<typeof Workflow>;
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  beforeAll(async () => {
    text = await readFile(file, "utf8");
    workflow = Workflow.parse(parse(text));
    folder = await createTemporaryFolder();
    // Replaces the AWS command: stores what it got and returns what the test sets.
    await writeFile(
      join(folder.path, "aws"),
      `#!/bin/sh\necho "$@" > called\ncp event.json invoked.json\neval "answer=\\\${$#}"\nprintf '%s' "$ANSWER" > "$answer"\necho "$FAULT"\n`,
    );
    await chmod(join(folder.path, "aws"), 0o755);
  });
  afterAll(() => folder.remove());

  test("assumes its role with a token from GitHub, pins actions to a commit and has no key", () => {
    expect(workflow.jobs.start.permissions).toEqual({ "id-token": "write" });
    const uses = workflow.jobs.start.steps.flatMap((step) => step.uses ?? []);
    expect(uses.length).toBeGreaterThan(0);
    for (const action of uses) expect(action).toMatch(/^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/);
    expect(text).not.toMatch(/secrets\.|access-key|AKIA/i);
    // Text that others can write, a branch's or a model's name, is never part of a script.
    for (const { run = "" } of workflow.jobs.start.steps) expect(run).not.toContain("${{");
  });

  const run = async (event: object, variables: Readonly<Record<string, string>>) => {
    const script = workflow.jobs.start.steps.find((step) => step.run)?.run ?? "";
    await writeFile(join(folder.path, "push.json"), JSON.stringify(event));
    const { status, stdout } = spawnSync("bash", ["-c", script], {
      cwd: folder.path,
      encoding: "utf8",
      env: {
        PATH: `${folder.path}:${process.env.PATH}`,
        GITHUB_EVENT_PATH: join(folder.path, "push.json"),
        GITHUB_STEP_SUMMARY: join(folder.path, "summary"),
        GITHUB_SHA: "c".repeat(40),
        // The person who started the run first, and the person who runs it now.
        GITHUB_ACTOR: "bob",
        GITHUB_TRIGGERING_ACTOR: "ada",
        ANSWER: `{"deliveries":[],"removed":[]}`,
        FAULT: "None",
        ...variables,
      },
    });
    const invoked: unknown = JSON.parse(await readFile(join(folder.path, "invoked.json"), "utf8"));
    const started: unknown[] = [];
    const source = { repository: "acme/models", branch: "main", runtime: `sha256:${"a".repeat(64)}` };
    await createPushEventHandler(source)({
      start: async (input) => {
        started.push(input);
        return { deliveries: [], removed: [] };
      },
      pushes: { recordBranch: async () => undefined },
    })(invoked);
    return { status, stdout, started };
  };
  const pushed = {
    ref: "refs/heads/main",
    before: "b".repeat(40),
    after: "c".repeat(40),
    forced: false,
    created: false,
    repository: { full_name: "acme/models", id: 1 },
    pusher: { name: "ada", email: "ada@example.com" },
    commits: [{ message: "$(touch harm)" }],
  };

  test.skipIf(skip)("a push is passed on as GitHub sent it", async () => {
    const { status, started } = await run(pushed, { GITHUB_EVENT_NAME: "push", GITHUB_RUN_ATTEMPT: "1" });
    expect(status).toBe(0);
    expect(started).toMatchObject([
      { before: "b".repeat(40), after: "c".repeat(40), pusher: "github:ada <ada@example.com>", attempt: 1 },
    ]);
    expect(started).toEqual([expect.not.objectContaining({ startedBy: expect.anything() })]);
  });

  test.skipIf(skip)("a re-run is another attempt, with the person who runs it again as pusher", async () => {
    const { status, started } = await run(pushed, {
      GITHUB_EVENT_NAME: "push",
      GITHUB_RUN_ATTEMPT: "2",
      GITHUB_TRIGGERING_ACTOR: "eve",
    });
    expect(status).toBe(0);
    expect(started).toMatchObject([
      {
        after: "c".repeat(40),
        pusher: "github:ada <ada@example.com>",
        attempt: 2,
        startedBy: "github:eve",
      },
    ]);
    expect(execFileSync("ls", [folder.path], { encoding: "utf8" })).not.toContain("harm");
  });

  test.skipIf(skip)(
    "a manual run delivers the named model, with the person who runs it as pusher",
    async () => {
      const { started } = await run(
        {},
        { GITHUB_EVENT_NAME: "workflow_dispatch", MODEL: `churn"$(touch harm)` },
      );
      expect(started).toMatchObject([
        { before: null, after: "c".repeat(40), pusher: "github:ada", models: [`churn"$(touch harm)`] },
      ]);
    },
  );

  test.skipIf(skip)("it fails if the function failed, with the error's name", async () => {
    const { status, stdout } = await run(pushed, {
      GITHUB_EVENT_NAME: "push",
      GITHUB_RUN_ATTEMPT: "1",
      FAULT: "Unhandled",
      ANSWER: `{"errorType":"CommitNotFound","errorMessage":"There is no commit"}`,
    });
    expect(status).toBe(1);
    expect(stdout).toContain("::error::start-delivery failed: CommitNotFound: There is no commit");
  });
});
