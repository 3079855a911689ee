import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { builderFiles, builderFolders } from "../packaging/builder-archive.ts";
import { listResources, type SynthesizedStacks, synthStacks } from "../test/infrastructure/synth-stacks.ts";
import { readUnpackStep, unpackArtefact } from "../test/infrastructure/unpack-artefact.ts";
import { config } from "./config.ts";
import type { Accounts } from "./read-config.ts";
import {
  type CommandOptions,
  listStacks,
  listTerraformInvocations,
  selectStacks,
} from "./terraform-invocations.ts";

const root = join(import.meta.dirname, "..");
const Step = z.object({
  uses: z.string().optional(),
  run: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
});
const Job = z.object({
  needs: z.union([z.string(), z.array(z.string())]),
  if: z.string(),
  environment: z.string().optional(),
  permissions: z.record(z.string(), z.string()),
  steps: z.array(Step),
});
/** A job that runs another workflow of the same commit. */
const CalledWorkflow = z.strictObject({
  if: z.string(),
  permissions: z.record(z.string(), z.string()),
  uses: z.string(),
});
const Workflow = z.object({
  on: z.object({ pull_request: z.object({ paths: z.array(z.string()) }), push: z.unknown() }),
  permissions: z.record(z.string(), z.string()),
  defaults: z.object({ run: z.object({ shell: z.string() }) }),
  jobs: z.object({
    synth: z.object({ permissions: z.record(z.string(), z.string()), steps: z.array(Step) }),
    plan: Job,
    ci: CalledWorkflow,
    apply: Job,
  }),
});

let text: string;
let workflow: z.infer<typeof Workflow>;
let synthesized: SynthesizedStacks;
beforeAll(async () => {
  text = await readFile(join(root, ".github", "workflows", "infrastructure.yml"), "utf8");
  workflow = Workflow.parse(parse(text, { merge: true }));
  synthesized = await synthStacks();
});
afterAll(() => synthesized?.remove());

const defaultOptions = { stacks: [], yes: false, fromStates: false, first: false, stateProfile: undefined };
/** The arguments of `npm run plan` and `apply` for each stack, in the form of the jobs' scripts. */
const formatArguments = (verb: "plan" | "apply", options: Partial<CommandOptions>) =>
  listTerraformInvocations(verb, "delivery", { ...defaultOptions, ...options })
    .map(({ args }) => `  terraform -chdir="$stack" ${args.join(" ")}`)
    .join("\n");

const findRole = ({ steps }: z.infer<typeof Job>): string =>
  String(steps.find((step) => step.with?.["role-to-assume"])?.with?.["role-to-assume"]);

test("its jobs assume the bootstrap stacks' roles by OIDC and use no secrets", () => {
  const roles = listResources(synthesized, "aws_iam_role", ["bootstrap-tooling"]).map(
    ([, , { name }]) => name,
  );
  for (const [job, role] of [
    [workflow.jobs.plan, "slipway-ci-plan"],
    [workflow.jobs.apply, "slipway-ci-apply"],
  ] as const) {
    expect(findRole(job)).toMatch(new RegExp(`:role/${role}$`));
    expect(roles).toContain(role);
    expect(job.permissions).toEqual({ "id-token": "write" });
  }
  expect(workflow.jobs.synth.permissions).toEqual({ contents: "read" });
  expect(workflow.permissions).toEqual({});
  expect(text).not.toContain("secrets.");
});

test("a pull request is planned only from the states; a merge is applied in the environment that requires approval", () => {
  const { plan, apply } = workflow.jobs;
  const commands = (job: typeof plan) => job.steps.map(({ run = "" }) => run).join("\n");
  expect(plan.if).toMatch(/pull_request/);
  expect(commands(plan)).toContain(formatArguments("plan", { fromStates: true }));
  expect(commands(plan)).not.toContain("apply");
  expect(apply.if).toBe("github.event_name == 'push' && github.ref == 'refs/heads/main'");
  expect(apply.environment).toBe(synthesized.accounts.tooling.ci?.environment);
  expect(commands(apply)).toContain(formatArguments("apply", { yes: true }));
  // The same stacks in the same order as the command's.
  const stacks = selectStacks(listStacks(config), defaultOptions).join(" ");
  for (const job of [plan, apply]) expect(commands(job)).toContain(`for stack in ${stacks}; do`);
});

test("nothing is applied before all tests of that very commit have passed", async () => {
  const { plan, ci, apply } = workflow.jobs;
  expect(plan.needs).toBe("synth");
  expect(apply.needs).toEqual(["synth", "ci"]);
  // Without always() or failure() in its condition, a job waits for the jobs it needs and is skipped if one fails.
  expect(apply.if).not.toMatch(/always|failure|cancelled/);
  expect(ci).toEqual({ if: apply.if, permissions: { contents: "read" }, uses: "./.github/workflows/ci.yml" });

  const read = async (file: string) =>
    parse(await readFile(join(root, ".github", "workflows", file), "utf8"));
  const ciWorkflow = await read("ci.yml");
  expect(ciWorkflow.on).toEqual({ workflow_call: {} });
  expect(Object.keys(ciWorkflow.jobs)).toEqual(["run"]);
  expect(ciWorkflow.jobs.run.steps.at(-1)).toEqual({ run: ".ci/run" });
  expect(JSON.stringify(ciWorkflow)).not.toMatch(/continue-on-error|secrets|"if"/);
  // Every pull request runs the same workflow.
  const pullRequest = await read("pull-request.yml");
  expect(pullRequest.on).toEqual({ pull_request: {} });
  expect(pullRequest.jobs.ci).toEqual({ permissions: { contents: "read" }, uses: ci.uses });
});

// Without an explicit shell, GitHub uses one in which `plan | tee` succeeds even if the plan fails.
test("a failed plan fails its job", () => {
  expect(workflow.defaults.run.shell).toBe("bash");
});

test("third-party actions are pinned by commit, and the paths that trigger it exist", () => {
  const { synth, plan, apply } = workflow.jobs;
  const actions = [synth, plan, apply].flatMap(({ steps }) => steps.flatMap(({ uses }) => uses ?? []));
  expect(actions.length).toBeGreaterThan(4);
  for (const action of actions) expect(action).toMatch(/@[0-9a-f]{40}$/);
  for (const path of workflow.on.pull_request.paths)
    expect(existsSync(join(root, path.replace(/\/\*\*$/, ""))), path).toBe(true);
});

test("all parts of the builder trigger it, because an apply pins the builder again", () => {
  const paths = [...builderFolders.map((folder) => `${folder}/**`), ...builderFiles];
  expect(workflow.on.pull_request.paths).toEqual(expect.arrayContaining(paths));
});

describe("synth's output reaches Terraform unchanged:", () => {
  const types = new Set<string>();
  const withTooling =
    (change: (tooling: Accounts["tooling"]) => Partial<Accounts["tooling"]>) =>
    (accounts: Accounts): Accounts => ({
      ...accounts,
      tooling: { ...accounts.tooling, ...change(accounts.tooling) },
    });
  const arn = "arn:aws:acm:us-east-1:111111111111:certificate/1";
  const choices: readonly [string, (accounts: Accounts) => Accounts][] = [
    ["as it ships", (shipped) => shipped],
    [
      "with GitHub and an existing MLflow",
      withTooling(() => ({
        source: { host: "github", repository: "example/models", branch: "main" },
        registry: { kind: "existing", uri: "https://mlflow.example.com" },
      })),
    ],
    [
      "with a certificate and without operators",
      withTooling(({ registry }) => ({
        operators: [],
        ...(registry.kind === "own"
          ? { registry: { ...registry, certificate: { arn, host: "mlflow.example.com" } } }
          : {}),
      })),
    ],
  ];
  test.each(choices)("%s", async (_, change) => {
    const variant = await synthStacks(change);
    try {
      const { status, output, read } = unpackArtefact(dirname(dirname(variant.folder)));
      expect({ status, output }).toEqual({ status: 0, output: "" });
      expect([...read.keys()].toSorted()).toEqual([...variant.stacks.keys()]);
      for (const [name, stack] of variant.stacks) {
        expect(JSON.parse(read.get(name) ?? "")).toEqual(stack);
        for (const type of Object.keys(stack.resource ?? {})) types.add(type);
      }
    } finally {
      await variant.remove();
    }
  });

  test("its allowed resource types are exactly those of the stacks", () => {
    expect(readUnpackStep("apply").env.TYPES?.split(" ")).toEqual([...types].toSorted());
  });
});
