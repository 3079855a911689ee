import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { StepName } from "#statemachine/delivery.ts";
import { repositoryRoot } from "#test/end-to-end/fixture.ts";
import { createGitRepository } from "#test/support/git-repository.ts";
import { createSeededRandom } from "#test/support/seeded-random.ts";

export type Scenario = {
  /** The trained version that is committed; `first` is models/churn. */
  readonly version: "first" | "second" | "better" | "worse" | "broken";
  /** Replacements in the manifest. */
  readonly manifest?: readonly [string, string];
  /** A person's decision; undefined: none. */
  readonly answer?: "approve" | "reject";
  /** A step that throws at once. */
  readonly broken?: StepName;
  /** Requests of an application during the canary: like the holdout's, or those on which both versions differ. */
  readonly traffic?: "usual" | "odd";
  /** The expected outcome on both engines. */
  readonly ends: string;
};

const early: readonly StepName[] = [
  "claim-environment",
  "scan-image",
  "register-model",
  "deploy-model",
  "verify-model",
  "request-approval",
];

/** The deliveries of each model in order; the longest come first. */
const all: Readonly<Record<string, readonly Scenario[]>> = {
  // The shortest timeout that an approval may have.
  expiring: [{ version: "first", manifest: ["PT24H", "PT2M"], ends: "expired" }],
  churn: [
    { version: "first", answer: "approve", ends: "promoted" },
    { version: "second", answer: "approve", traffic: "usual", ends: "promoted" },
    { version: "better", answer: "reject", ends: "rejected" },
    { version: "worse", ends: "failed GateFailed" },
  ],
  shifting: [
    { version: "first", answer: "approve", ends: "promoted" },
    { version: "second", answer: "approve", traffic: "odd", ends: "failed CanaryFailed" },
  ],
  superseding: [
    // The next delivery supersedes it during its open approval.
    { version: "first", ends: "superseded" },
    {
      version: "first",
      manifest: ["name: superseding", "# again\nname: superseding"],
      answer: "reject",
      ends: "rejected",
    },
  ],
  "without-move-champion": [
    { version: "first", answer: "approve", broken: "move-champion", ends: "promoted" },
    { version: "second", answer: "approve", broken: "shift-traffic", ends: "failed Broken" },
  ],
  "without-report-outcome": [
    { version: "first", answer: "approve", broken: "report-outcome", ends: "promoted" },
    { version: "second", answer: "approve", broken: "judge-canary", ends: "failed Broken" },
  ],
  "without-promote-model": [
    { version: "first", answer: "approve", broken: "promote-model", ends: "failed Broken" },
  ],
  "without-roll-back": [
    { version: "first", answer: "reject", broken: "roll-back", ends: "failed RollBackFailed" },
  ],
  unreadable: [{ version: "broken", ends: "failed ModelUnreadable" }],
  ...Object.fromEntries(
    early.map((step): [string, readonly Scenario[]] => [
      `without-${step}`,
      [{ version: "first", broken: step, ends: "failed Broken" }],
    ]),
  ),
};

/**
 * The selected scenarios: all, or with SLIPWAY_SAMPLE so many with a broken step, drawn by SLIPWAY_SEED or by the
 * day. CI runs a sample: each scenario takes half a minute of processor time on both engines.
 */
const selectScenarios = (): typeof all => {
  const { SLIPWAY_SAMPLE: sample, SLIPWAY_SEED: seed = String(Math.floor(Date.now() / 86_400_000)) } =
    process.env;
  if (sample === undefined) return all;
  const random = createSeededRandom(Number(seed));
  const models = Object.entries(all)
    .filter(([, scenes]) => scenes.some(({ broken }) => broken !== undefined))
    .map(([model]) => ({ model, order: random() }))
    .toSorted((a, b) => a.order - b.order)
    .slice(0, Number(sample))
    .map(({ model }) => model);
  console.info(
    `sample by SLIPWAY_SEED=${seed} of the models with a broken step: ${models.join(", ")}; npm run test:long plays all`,
  );
  return Object.fromEntries(
    Object.entries(all).filter(
      ([model, scenes]) => models.includes(model) || scenes.every(({ broken }) => broken === undefined),
    ),
  );
};
export const scenarios = selectScenarios();

/**
 * Relaxes the canary so that a busy machine can judge it: it needs a hundred requests, and bakes a second at a time for as
 * long as it takes.
 */
const relaxPolicy = (text: string) =>
  text
    .replace(/firstStep: \d+/, "firstStep: 50")
    .replace(/errorPoints: \d+/, "errorPoints: 5")
    .replace(/slackMs: \d+/, "slackMs: 2000")
    .replace(/bake: PT5M/, "bake: PT1S")
    .replace(/atMost: PT6H/, "atMost: PT24H");
const relaxManifest = (text: string, name: string) =>
  text
    .replace(/^name: churn$/m, `name: ${name}`)
    .replace(/latencyP95Ms: \d+/, "latencyP95Ms: 1000")
    .replace(/steps: \[[\d, ]+\]/, "steps: [50]")
    .replace(/minSamples: \d+/, "minSamples: 100")
    .replace(/bake: PT\w+/, "bake: PT1S")
    .replace(/atMost: PT6H/, "atMost: PT24H");

/** A repository with a commit for each scenario: `commits[model][scene]`. Both engines get a copy of it. */
export const commitScenarios = async () => {
  const repository = await createGitRepository();
  const text = (path: string) => readFile(join(repositoryRoot, path), "utf8");
  await repository.commit({ "policy.yaml": relaxPolicy(await text("policy.yaml")) }, "The platform's policy");
  const yaml = await text("models/churn/model.yaml");
  const commits: Record<string, string[]> = {};
  for (const [model, scenes] of Object.entries(scenarios)) {
    const ids: string[] = [];
    commits[model] = ids;
    const folder = join(repository.path, "models", model);
    await mkdir(folder, { recursive: true });
    await cp(join(repositoryRoot, "models/churn"), folder, { recursive: true });
    for (const [index, { version, manifest: change }] of scenes.entries()) {
      if (version === "broken") {
        const onnx = join(folder, "model.onnx");
        await writeFile(onnx, (await readFile(onnx)).subarray(0, 1_000));
      } else if (version !== "first")
        await cp(join(repositoryRoot, "seed/churn/versions", version), folder, { recursive: true });
      const [from, to] = change ?? ["", ""];
      const files = { [`models/${model}/model.yaml`]: relaxManifest(yaml, model).replace(from, to) };
      ids.push(await repository.commit(files, `${model}: ${index + 1}`));
    }
  }
  return { ...repository, commits };
};
