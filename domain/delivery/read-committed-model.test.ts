import { afterEach, beforeEach, expect, test } from "vitest";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { buildModelYaml, fakeCommit, policyYaml, toyModel } from "#test/support/toy-model.ts";
import {
  loadRules,
  readCommittedGolden,
  readCommittedHoldout,
  readCommittedModel,
  readCommittedPolicy,
} from "./read-committed-model.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

const readModel = ({ source }: MemoryWorld) => readCommittedModel({ source });

test("a registration reads the small files as they were committed, and not the artefact", async () => {
  const read = await readModel(world)(toyModel, world.commit("a"));
  expect(read.manifest).toMatchObject({ name: "toy", artifact: "model.onnx" });
  expect([...read.files.keys()].toSorted()).toEqual(["golden.json", "metrics.json", "model.yaml"]);
});

test("golden vectors and holdout are read without the rest of the folder", async () => {
  const commit = world.commit("a");
  const read: (readonly string[] | undefined)[] = [];
  const source: typeof world.source = {
    ...world.source,
    modelFiles: (model, at, names) => {
      read.push(names);
      return world.source.modelFiles(model, at, names);
    },
  };
  expect((await readCommittedGolden({ source })(toyModel, commit)).rows).toEqual([{ x: 1 }, { x: 2 }]);
  expect(await readCommittedHoldout({ source })(toyModel, commit)).toMatchObject({ labels: ["yes", "no"] });
  expect(read).toEqual([
    ["model.yaml", "golden.json"],
    ["model.yaml", "holdout.csv"],
  ]);
});

test.each(["model.yaml", "golden.json"])("without %s the commit and the remedy are named", async (file) => {
  const commit = world.commit("a");
  world.commits.get(commit)?.delete(file);
  for (const read of [readModel, readCommittedGolden])
    await expect(read(world)(toyModel, commit)).rejects.toMatchObject({
      name: "ManifestInvalid",
      message: `${file}: models/toy/${file} is not there at aaaaaaaaaaaa. Commit it.`,
    });
});

test.each([
  ["says too little", "approval: {}"],
  ["is no mapping", "- 1"],
  ["is no YAML", "{"],
  ["asks for nobody's approval", policyYaml.replace("quorum: 1", "quorum: 0")],
  ["is larger than a policy is", `# ${"x".repeat(40_000)}\n${policyYaml}`],
])("a policy that %s is named with its commit", async (_, text) => {
  const file = async () => new TextEncoder().encode(text);
  await expect(
    readCommittedPolicy({ source: { ...world.source, file } })(fakeCommit("a")),
  ).rejects.toMatchObject({
    name: "PolicyInvalid",
    message: expect.stringContaining("aaaaaaaaaaaa"),
  });
});

test("a challenger is judged by the champion's rules if they are stricter", async () => {
  const gates = (latency: number) =>
    `{ latencyP95Ms: ${latency}, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } }`;
  world.commit("a", buildModelYaml({ gates: gates(20) }));
  world.commit("b", buildModelYaml({ gates: gates(900) }));
  const alone = await loadRules(world)(toyModel, fakeCommit("b"), undefined);
  expect([alone.champion, alone.rules.gates.latencyP95Ms]).toEqual([undefined, 900]);
  const { rules } = await loadRules(world)(toyModel, fakeCommit("b"), fakeCommit("a"));
  expect(rules.gates.latencyP95Ms).toBe(20);
  expect(rules.loosened).toEqual(["gates.latencyP95Ms 20 → 900"]);
});
