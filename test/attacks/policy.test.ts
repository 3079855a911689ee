import { afterEach, beforeEach, expect, test } from "vitest";
import { loadRules } from "#domain/delivery/read-committed-model.ts";
import { ensureDeployedVersion } from "#domain/deployment/ensure-deployed-version.ts";
import { requestApproval } from "#lambdas/request-approval/request-approval.ts";
import { scanImage } from "#lambdas/scan-image/scan-image.ts";
import type { Images } from "#platform/images/images.ts";
import { renderMessageBlocks } from "#slack/message-blocks.ts";
import { remedies } from "#statemachine/remedies.ts";
import { createBuildVariables } from "#test/support/fake-build.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { promoteVersion } from "#test/support/promote-version.ts";
import { buildModelYaml, fakeCommit, fakeDigest, policyYaml, toyModel } from "#test/support/toy-model.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

const delivery = "attack-1";
const requestDecision = async (letter: string) => {
  world.engine.waiting.add("token");
  await requestApproval(world)({
    delivery,
    model: toyModel,
    commit: fakeCommit(letter),
    taskToken: "token",
    fence: 1,
    digest: fakeDigest(letter),
    version: 2,
    author: { name: "Mallory", email: "mallory@example.com" },
    pusher: "mallory@example.com",
    baseline: (await world.ledger.serving("prod", toyModel))?.sequence ?? 0,
    scanChecks: [],
    checks: [],
    omitted: [],
    timeoutSeconds: 3_600,
    provenance: null,
  });
  const [question] = await world.approvals.open(toyModel);
  if (!question) throw new Error("no question is open");
  return { rule: question.rule, view: await world.messages.state(delivery) };
};
const approval = (fields: string) => ({ approval: `{ ${fields} }` });

test("a commit that lets authors approve, in its policy.yaml and its manifest, changes nothing", async () => {
  const commit = world.commit(
    "a",
    buildModelYaml(approval("approvers: [U024BE7LH], quorum: 1, authorMayApprove: true, timeout: PT24H")),
  );
  world.policies.set(commit, policyYaml.replace("authorMayApprove: false", "authorMayApprove: true"));
  expect((await requestDecision("a")).rule.authorMayApprove).toBe(false);
});

test("a commit cannot add approvers that the platform's copy does not name", async () => {
  const commit = world.commit(
    "a",
    buildModelYaml(approval("approvers: [U0MALLORY], quorum: 1, authorMayApprove: false, timeout: PT24H")),
  );
  world.policies.set(commit, policyYaml.replace("U0SECOND1", "U0MALLORY"));
  await expect(requestDecision("a")).rejects.toMatchObject({ name: "ManifestInvalid" });
});

test("a commit that allows more vulnerabilities is still held to the platform's limit", async () => {
  const commit = world.commit(
    "a",
    buildModelYaml({
      gates: "{ latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 9, high: 99 } }",
    }),
  );
  world.policies.set(commit, policyYaml.replace("critical: 0, high: 10", "critical: 9, high: 99"));
  const finding = { id: "CVE-2026-1", package: "x", version: "1", severity: "critical", title: "" };
  const images = {
    scan: async () => ({
      status: "complete" as const,
      findings: [finding],
      scanned: { npm: 1 },
      unknownEcosystems: [],
    }),
  };
  const scanned = scanImage({ ...world, images: images as unknown as Pick<Images, "scan"> })({
    delivery,
    model: toyModel,
    commit,
    build: createBuildVariables("a"),
  });
  await expect(scanned).rejects.toMatchObject({ name: "ImageScanFailed" });
});

test("a commit's policy.yaml that removes rules, lowers the quorum or names other approvers loosens nothing", async () => {
  await world.close();
  world = createMemoryWorld({ platform: policyYaml.replace("quorum: 1", "quorum: 2") });
  const both = approval(
    "approvers: [U024BE7LH, U0SECOND1], quorum: 1, authorMayApprove: false, timeout: PT24H",
  );
  world.commit("a", buildModelYaml(both));
  // policyYaml has quorum 1
  expect((await requestDecision("a")).rule).toMatchObject({
    quorum: 2,
    approvers: ["U024BE7LH", "U0SECOND1"],
  });
});

test.each([
  ["a quorum of 0", policyYaml.replace("quorum: 1", "quorum: 0")],
  ["invalid YAML", "approval: ["],
  ["an unknown rule", `${policyYaml}\nskip: true\n`],
])(
  "a policy.yaml with %s ends the delivery with a named error and without an approval request",
  async (_, text) => {
    const commit = world.commit("a");
    world.policies.set(commit, text);
    await expect(requestDecision("a")).rejects.toMatchObject({ name: "PolicyInvalid" });
    expect(await world.approvals.open(toyModel)).toEqual([]);
  },
);

test("a commit without policy.yaml follows the platform's copy", async () => {
  await promoteVersion(world, "a", 1);
  const commit = world.commit("b");
  world.policies.set(commit, undefined);
  expect((await requestDecision("b")).rule).toMatchObject({ quorum: 1, authorMayApprove: false });
});

test("the warning lists privileged files and test data with a link, after loosened rules and before everything else", async () => {
  await promoteVersion(world, "a", 1);
  const commit = world.commit("b", buildModelYaml({ resources: "{ memoryMb: 1024, timeoutSeconds: 3 }" }));
  const paths = ["policy.yaml", "models/other/tokenizer.json", "docs/x.md"].concat(
    [
      "inference/app.ts",
      "lambdas/predict/predict.ts",
      "packaging/buildspec.yml",
      "lambdas/verify-model/verify-model.ts",
    ],
    [".github/workflows/deliver.yml", "package-lock.json", "terraform/a\u202e\n.ts"],
  );
  world.changed.set(`${fakeCommit("a")}..${commit}`, paths);
  const { changed = [], links } = (await requestDecision("b")).view ?? {};
  expect(changed[0]).toBe("loosens 1 rule: resources.memoryMb 512 → 1024");
  expect(changed[1]).toBe(
    "changed since what prod serves: the policy, the runtime, dependencies, the build, the steps, workflows and owners, the infrastructure",
  );
  expect(links?.diff).toEqual({ kind: "page", url: `https://example.com/${fakeCommit("a")}...${commit}` });
  expect(changed[2]).toBe("tightens: resources.timeoutSeconds 30 → 3");
  const names = changed.slice(3).join("; ");
  for (const path of ["policy.yaml", "inference/app.ts", "predict.ts", "packaging/buildspec.yml"])
    expect(names).toContain(path);
  for (const path of ["verify-model.ts", "deliver.yml", "package-lock.json", "terraform/a??.ts"])
    expect(names).toContain(path);
  expect(changed.join()).not.toMatch(/models\/other|docs\//);
});

test.each<[string, string, (files: Map<string, Uint8Array> | undefined) => void]>([
  ["a rule", buildModelYaml({ resources: "{ memoryMb: 1024, timeoutSeconds: 30 }" }), () => undefined],
  [
    "the holdout",
    buildModelYaml(),
    (files) => files?.set("holdout.csv", Buffer.from("x,label\n1,yes\n2,yes\n")),
  ],
])("where only %s changed the message links the difference, too", async (_, yaml, change) => {
  await promoteVersion(world, "a", 1);
  const commit = world.commit("b", yaml);
  change(world.commits.get(commit));
  const { view } = await requestDecision("b");
  expect([...(view?.changed ?? []), ...(view?.renewed ?? [])]).not.toEqual([]);
  expect(renderAll(view)).toContain(
    `<https://example.com/${fakeCommit("a")}...${commit}|difference to prod>`,
  );
});

type View = Awaited<ReturnType<typeof requestDecision>>["view"];
const renderAll = (view: View) => (view ? JSON.stringify(renderMessageBlocks(view, undefined).blocks) : "");
/** The warning of the message as Slack shows it: below the question, above everything else. */
const renderWarning = (view: View) =>
  view ? JSON.stringify(renderMessageBlocks(view, undefined).blocks[1]) : "";

const renderNotification = (view: View) => (view ? renderMessageBlocks(view, undefined).text : "");

test("long file names and long rules hide no kind of privileged file, and no holdout, in the warning", async () => {
  const label = "&".repeat(100);
  const yaml = (output: string, resources: string) =>
    buildModelYaml({
      output,
      resources,
      gates: "{ latencyP95Ms: 500, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 9 } }",
    });
  await promoteVersion(world, "a", 1);
  const championFiles = world.commits.get(fakeCommit("a"));
  const output = `{ labels: ["no", "yes", "${label}"], positive: "${label}" }`;
  const scored = { label: "yes", scores: { no: 0.25, yes: 0.75, [label]: 0 } };
  const golden = { tolerance: 1e-5, rows: [{ x: 1 }, { x: 2 }], predictions: [scored, scored] };
  championFiles?.set("model.yaml", Buffer.from(buildModelYaml({ output })));
  championFiles?.set("golden.json", Buffer.from(JSON.stringify(golden)));
  const commit = world.commit(
    "b",
    yaml('{ labels: ["no", "yes"] }', "{ memoryMb: 3008, timeoutSeconds: 60 }"),
  );
  world.commits.get(commit)?.set("holdout.csv", Buffer.from("x,label\n1,yes\n2,yes\n"));
  const folders = [
    ".ci",
    ".github",
    "cli",
    "domain",
    "inference",
    "lambdas/predict",
    "packaging",
    "terraform",
  ];
  world.changed.set(`${fakeCommit("a")}..${commit}`, [
    ...folders.flatMap((folder) => [1, 2, 3, 4].map((n) => `${folder}/${"&".repeat(50)}${n}.ts`)),
    "package-lock.json",
    "policy.yaml",
  ]);
  const { view } = await requestDecision("b");
  const text = renderWarning(view);
  expect(text).toMatch(/loosens 5 rules/);
  for (const kind of [
    "the policy",
    "the runtime",
    "dependencies",
    "the build",
    "the steps",
    "workflows and owners",
    "the infrastructure",
    "the command",
  ])
    expect(text).toContain(kind);
  expect(text).toMatch(/ and \d+ more"/);
  expect(renderAll(view)).toContain("New with this commit: holdout.csv changed");
  expect(renderAll(view)).toContain("|difference to prod>");
});

test.each([
  ["changes under its own name", "vocab.json", "vocab.json", "two"],
  ["moves to another name", "tokenizer.json", "vocab.json", "two"],
  ["is another existing file", "tokenizer.json", "other.json", "one"],
])("the warning names a tokenizer that %s", async (_, before, after, content) => {
  const text = (file: string) =>
    buildModelYaml({
      inputs: "[{ name: x, type: string }]",
      tokenizer: `{ file: ${file}, maxTokens: 8 }`,
    });
  const write = (commit: string, file: string, tokens: string) => {
    const files = world.commits.get(commit);
    const golden = JSON.parse(Buffer.from(files?.get("golden.json") ?? []).toString());
    files?.set("golden.json", Buffer.from(JSON.stringify({ ...golden, rows: [{ x: "a" }, { x: "b" }] })));
    files?.set("other.json", Buffer.from("other"));
    files?.set("model.yaml", Buffer.from(text(file)));
    if (file !== "other.json") files?.set(file, Buffer.from(tokens));
  };
  await promoteVersion(world, "a", 1);
  write(fakeCommit("a"), before, "one");
  const commit = world.commit("b");
  write(commit, after, content);
  world.changed.set(
    `${fakeCommit("a")}..${commit}`,
    after === "other.json" ? ["models/toy/model.yaml"] : [`models/toy/${after}`],
  );
  const message = renderWarning((await requestDecision("b")).view);
  expect(message).toContain("changed since what prod serves: the tokenizer;");
  expect(message).toContain(`models/toy/${after}`);
});

test("many loosened rules hide nothing: their number comes first, then what changed, then the rest of the list", async () => {
  await promoteVersion(world, "a", 1);
  const commit = world.commit(
    "b",
    buildModelYaml({
      ...approval(
        `approvers: [U024BE7LH, ${Array.from({ length: 49 }, (_, n) => `U0FILLER${n}`).join(", ")}], quorum: 1, authorMayApprove: true, timeout: P9D`,
      ),
      gates: "{ latencyP95Ms: 5000, imageSizeMb: 900, vulnerabilities: { critical: 9, high: 99 } }",
    }),
  );
  world.changed.set(`${fakeCommit("a")}..${commit}`, ["packaging/buildspec.yml"]);
  const { view } = await requestDecision("b");
  const changed = view?.changed ?? [];
  expect(changed[0]).toMatch(/^loosens 7 rules: approval\.approvers/);
  expect(changed[1]).toBe("changed since what prod serves: the build");
  expect(renderWarning(view)).toContain("changed since what prod serves: the build");
  expect(renderNotification(view)).toContain("changed since what prod serves: the build");
  expect(changed[0]?.length).toBeLessThanOrEqual(520);
  const names = [
    "approvers",
    "authorMayApprove",
    "timeout",
    "latencyP95Ms",
    "imageSizeMb",
    "critical",
    "high",
  ];
  for (const name of names) expect(changed.join()).toContain(name);
});

test("loosened rules are next to their number, tightened ones are named as such, and files come after both", async () => {
  const rules = (timeout: string, samples: number, quorum: number) =>
    buildModelYaml({
      ...approval(
        `approvers: [U024BE7LH, U0SECOND1], quorum: ${quorum}, authorMayApprove: false, timeout: ${timeout}`,
      ),
      canary: `{ steps: [10], bake: PT30M, minSamples: ${samples}, onInconclusive: roll-back, atMost: PT6H }`,
    });
  await promoteVersion(world, "a", 1);
  world.commits.get(fakeCommit("a"))?.set("model.yaml", Buffer.from(rules("PT4M", 200, 1)));
  const commit = world.commit("b", rules("PT3H", 100, 2));
  world.changed.set(`${fakeCommit("a")}..${commit}`, ["packaging/buildspec.yml"]);
  expect((await requestDecision("b")).view?.changed).toEqual([
    "loosens 2 rules: approval.timeout PT4M → PT3H; canary.minSamples 200 → 100",
    "changed since what prod serves: the build",
    "tightens: approval.quorum 1 → 2",
    "the build: packaging/buildspec.yml",
  ]);
});

test("a commit may tighten the platform's copy", async () => {
  const commit = world.commit("a");
  world.policies.set(commit, policyYaml.replace("timeout: P7D", "timeout: PT1H"));
  expect((await requestDecision("a")).rule.timeout).toBe("PT1H");
});

test("without a platform's copy the delivery ends with a named error and never uses the commit's policy", async () => {
  await world.close();
  world = createMemoryWorld({ platform: null });
  world.commit("a");
  await expect(requestDecision("a")).rejects.toMatchObject({ name: "PolicyMissing" });
  expect(remedies.PolicyMissing).toContain("slipway init aws");
});

test("a manifest of another model is refused, whatever its rules", async () => {
  world.commit("a", buildModelYaml({ name: "another" }));
  await expect(requestDecision("a")).rejects.toMatchObject({ name: "ManifestInvalid" });
});

test("rules that are loosened in two deliveries stop at the platform's copy, and each message says so first", async () => {
  const gates = (latency: number) => ({
    gates: `{ latencyP95Ms: ${latency}, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } }`,
  });
  await promoteVersion(world, "a", 1);
  world.commit("b", buildModelYaml(gates(5_000)));
  expect((await requestDecision("b")).view?.changed[0]).toBe("loosens 1 rule: gates.latencyP95Ms 50 → 5000");
  // The first step keeps the champion's 50 ms; after its promotion it is the champion of the second.
  expect((await loadRules(world)(toyModel, fakeCommit("b"), fakeCommit("a"))).rules.gates.latencyP95Ms).toBe(
    50,
  );
  world.commit("c", buildModelYaml(gates(5_000)));
  expect((await loadRules(world)(toyModel, fakeCommit("c"), fakeCommit("b"))).rules.gates.latencyP95Ms).toBe(
    1_000,
  );
});

test("a challenger that drops its positive label still gets the check that needs it", async () => {
  await promoteVersion(world, "a", 1);
  world.policies.set(fakeCommit("a"), policyYaml);
  const platform = policyYaml.replace("{ accuracy: 0.05 }", "{ accuracy: 0.05, auc: 0.05 }");
  await world.close();
  world = createMemoryWorld({ platform });
  world.commit("a");
  world.commit("b", buildModelYaml({ output: '{ labels: ["no", "yes"] }' }));
  const { rules } = await loadRules(world)(toyModel, fakeCommit("b"), fakeCommit("a"));
  expect(rules.gates.auc).toEqual({ notWorseThanChampionBy: 0.05 });
  expect(rules.loosened).toContain("output.positive was removed (it was yes)");
});

test("a manifest that records more than the platform allows is refused", async () => {
  await world.close();
  world = createMemoryWorld({ platform: `${policyYaml}\nrecords: { inputs: hashed, ttlDays: 30 }\n` });
  const commit = world.commit("a");
  world.policies.set(commit, undefined);
  await expect(requestDecision("a")).rejects.toMatchObject({
    name: "ManifestInvalid",
    message: expect.stringContaining("records.inputs"),
  });
});

test("a rollback needs no copy of the policy: a new rule never stops a rollback", async () => {
  const version = await ensureDeployedVersion({ ...world, policy: { find: async () => undefined } })(
    "prod",
    await promoteVersion(world, "a", 1),
    world.warn,
  );
  expect(version).toBe("1");
});
