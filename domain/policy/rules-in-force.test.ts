import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { durationToSeconds, Manifest, OnInconclusive } from "#model-folder/manifest/manifest.ts";
import { describeChangedFiles } from "./describe-changed-files.ts";
import { Policy } from "./policy.ts";
import { computeRulesInForce } from "./rules-in-force.ts";
import { onInconclusive } from "./strictest-policy.ts";

const read = (path: string) => parse(readFileSync(new URL(`../../${path}`, import.meta.url), "utf8"));
const churn = Manifest.parse(read("models/churn/model.yaml"));
const floor = Policy.parse(read("policy.yaml"));

const allowed = ["U0AAA", "U0BBB", "U0CCC"] as const;
const wide: Policy = { ...floor, approval: { ...floor.approval, approvers: [...allowed] } };

const minutes = fc.integer({ min: 2, max: 600 }).map((count) => `PT${count}M`);
/** Manifests that differ from churn's in every rule that can be tightened. */
const manifests = fc
  .record({
    min: fc.double({ min: 0.5, max: 0.9, noNaN: true }),
    margin: fc.option(fc.double({ min: 0, max: 0.2, noNaN: true }), { nil: undefined }),
    auc: fc.boolean(),
    latencyP95Ms: fc.integer({ min: 1, max: 5_000 }),
    imageSizeMb: fc.integer({ min: 1, max: 5_000 }),
    critical: fc.nat(9),
    high: fc.nat(20),
    quorum: fc.constantFrom(1, 2),
    authorMayApprove: fc.boolean(),
    timeout: minutes,
    steps: fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 10 }),
    bake: minutes,
    minSamples: fc.integer({ min: 1, max: 9_999 }),
    onInconclusive: fc.constantFrom(...OnInconclusive.options),
    atMost: minutes,
  })
  .map((rule) =>
    Manifest.parse({
      ...churn,
      gates: {
        accuracy: {
          min: rule.min,
          ...(rule.margin === undefined ? {} : { notWorseThanChampionBy: rule.margin }),
        },
        ...(rule.auc ? { auc: { min: rule.min } } : {}),
        latencyP95Ms: rule.latencyP95Ms,
        imageSizeMb: rule.imageSizeMb,
        vulnerabilities: { critical: rule.critical, high: rule.high },
      },
      approval: {
        approvers: [...allowed],
        quorum: rule.quorum,
        authorMayApprove: rule.authorMayApprove,
        timeout: rule.timeout,
      },
      canary: {
        steps: rule.steps.toSorted((a, b) => a - b),
        bake: rule.bake,
        minSamples: rule.minSamples,
        onInconclusive: rule.onInconclusive,
        atMost: rule.atMost,
      },
    }),
  );

const most = Number.POSITIVE_INFINITY;

test("the rules in force are never looser than the floor, the champion's manifest or the challenger's", () =>
  fc.assert(
    fc.property(manifests, manifests, (champion, challenger) => {
      const rules = computeRulesInForce({ platform: wide, champion, challenger });
      for (const { gates, approval, canary } of [champion, challenger]) {
        expect(rules.gates.accuracy?.min ?? 0).toBeGreaterThanOrEqual(gates.accuracy?.min ?? 0);
        expect(rules.gates.auc?.min ?? 0).toBeGreaterThanOrEqual(gates.auc?.min ?? 0);
        expect(rules.gates.accuracy?.notWorseThanChampionBy ?? most).toBeLessThanOrEqual(
          gates.accuracy?.notWorseThanChampionBy ?? most,
        );
        expect(rules.canary.steps).toEqual(expect.arrayContaining(canary.steps));
        expect(approval.authorMayApprove || !rules.approval.authorMayApprove).toBe(true);
        const isAsStrict = onInconclusive.indexOf(rules.canary.onInconclusive);
        expect(isAsStrict).toBeLessThanOrEqual(onInconclusive.indexOf(canary.onInconclusive));
      }
      for (const bound of [champion, challenger, wide] as const) {
        expect(rules.gates.latencyP95Ms).toBeLessThanOrEqual(bound.gates.latencyP95Ms);
        expect(rules.gates.imageSizeMb).toBeLessThanOrEqual(bound.gates.imageSizeMb);
        expect(rules.gates.vulnerabilities.critical).toBeLessThanOrEqual(
          bound.gates.vulnerabilities.critical,
        );
        expect(rules.gates.vulnerabilities.high).toBeLessThanOrEqual(bound.gates.vulnerabilities.high);
        expect(rules.approval.quorum).toBeGreaterThanOrEqual(bound.approval.quorum);
        expect(durationToSeconds(rules.approval.timeout)).toBeLessThanOrEqual(
          durationToSeconds(bound.approval.timeout),
        );
        expect(durationToSeconds(rules.canary.bake)).toBeGreaterThanOrEqual(
          durationToSeconds(bound.canary.bake),
        );
        expect(durationToSeconds(rules.canary.atMost)).toBeLessThanOrEqual(
          durationToSeconds(bound.canary.atMost),
        );
        expect(rules.canary.minSamples).toBeGreaterThanOrEqual(bound.canary.minSamples);
      }
      expect(rules.canary.steps[0]).toBeLessThanOrEqual(wide.canary.firstStep);
      expect(rules.gates.auc?.notWorseThanChampionBy).toBeLessThanOrEqual(0.05);
      expect(rules.approval.authorMayApprove).toBe(false);
    }),
  ));

test("a commit that lets approvers replace live proof does so only from the next delivery on, and says that it loosens", () => {
  const withRule = (rule: OnInconclusive): Manifest => ({
    ...approvedBy("U0AAA"),
    canary: { ...churn.canary, onInconclusive: rule },
  });
  const champion = withRule("extend");
  const rules = computeRulesInForce({ platform: wide, champion, challenger: withRule("ask") });
  expect(rules.canary.onInconclusive).toBe("extend");
  expect(rules.loosened).toEqual(["canary.onInconclusive extend → ask"]);
  const floor: Policy = { ...wide, canary: { ...wide.canary, onInconclusive: "extend" } };
  expect(computeRulesInForce({ platform: wide, challenger: withRule("ask") }).canary.onInconclusive).toBe(
    "ask",
  );
  expect(computeRulesInForce({ platform: floor, challenger: withRule("ask") }).canary.onInconclusive).toBe(
    "extend",
  );
});

test("a champion with the same or looser rules changes nothing", () =>
  fc.assert(
    fc.property(manifests, (manifest) => {
      const alone = computeRulesInForce({ platform: wide, challenger: manifest });
      expect(computeRulesInForce({ platform: wide, champion: manifest, challenger: manifest })).toEqual(
        alone,
      );
      const looser = { ...manifest, gates: { ...manifest.gates, latencyP95Ms: 9_000, imageSizeMb: 9_000 } };
      expect(computeRulesInForce({ platform: wide, champion: looser, challenger: manifest }).gates).toEqual(
        alone.gates,
      );
    }),
  ));

test("a tighter floor never loosens a rule", () =>
  fc.assert(
    fc.property(
      manifests,
      fc.integer({ min: 1, max: 1_000 }),
      fc.integer({ min: 100, max: 900 }),
      (challenger, ms, n) => {
        const before = computeRulesInForce({ platform: wide, challenger });
        const tight: Policy = {
          ...wide,
          gates: { ...wide.gates, latencyP95Ms: ms },
          canary: { ...wide.canary, minSamples: n, firstStep: 5 },
        };
        const after = computeRulesInForce({ platform: tight, challenger });
        expect(after.gates.latencyP95Ms).toBeLessThanOrEqual(before.gates.latencyP95Ms);
        expect(after.canary.minSamples).toBeGreaterThanOrEqual(before.canary.minSamples);
        expect(after.canary.steps[0]).toBeLessThanOrEqual(5);
      },
    ),
  ));

const approvedBy = (...approvers: string[]): Manifest => ({
  ...churn,
  approval: { ...churn.approval, approvers },
});

test("with a champion a commit cannot name its own approvers", () => {
  const { approval } = computeRulesInForce({
    platform: wide,
    champion: approvedBy("U0AAA"),
    challenger: approvedBy("U0BBB"),
  });
  expect(approval.approvers).toEqual(["U0AAA"]);
});

test("the approvers of a first version are those of its manifest that the floor allows", () => {
  const { approval } = computeRulesInForce({ platform: wide, challenger: approvedBy("U0BBB", "U0ZZZ") });
  expect(approval.approvers).toEqual(["U0BBB"]);
});

test("a quorum that the allowed approvers cannot reach is an invalid manifest", () => {
  const impossible = () => computeRulesInForce({ platform: wide, challenger: approvedBy("U0ZZZ") });
  expect(impossible).toThrow(
    expect.objectContaining({
      name: "ManifestInvalid",
      message: expect.stringContaining(
        "nobody could approve churn: 1 approval required, but of the approvers in the manifest (U0ZZZ) the platform's policy allows none.",
      ),
    }),
  );
  // The same person named twice is one approver.
  const twice = approvedBy("U0AAA", "U0AAA");
  expect(() =>
    computeRulesInForce({
      platform: wide,
      challenger: { ...twice, approval: { ...twice.approval, quorum: 2 } },
    }),
  ).toThrow("2 approvals required");
});

test("only changed rules are listed, with both values", () => {
  const { auc: _, ...gates } = churn.gates;
  const challenger: Manifest = {
    ...churn,
    gates: { ...gates, accuracy: { min: 0.6, notWorseThanChampionBy: 0.02 } },
    canary: { ...churn.canary, steps: [50] },
    resources: { memoryMb: 512, timeoutSeconds: 3 },
  };
  const rules = computeRulesInForce({ platform: floor, champion: churn, challenger });
  expect(rules.loosened).toEqual([
    "canary.steps [10, 50] → [50]",
    "gates.accuracy.min 0.75 → 0.6",
    "gates.auc.min was removed (it was 0.8)",
    "gates.auc.notWorseThanChampionBy was removed (it was 0.02)",
  ]);
  expect(rules.changed).toEqual(["resources.memoryMb 1769 → 512", "resources.timeoutSeconds 30 → 3"]);
  expect(rules.gates.accuracy?.min).toBe(0.75);
  expect(rules.gates.auc).toEqual({ min: 0.8, notWorseThanChampionBy: 0.02 });
  expect(rules.canary.steps).toEqual([10, 50]);
});

test("a challenger avoids no gate of the champion by another output of its task", () => {
  const build = (output: object, scores: object): Manifest =>
    Manifest.parse({
      ...churn,
      task: "regression",
      output,
      gates: { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 }, ...scores },
    });
  const champion = build(
    { names: ["low", "high"], quantiles: [0.1, 0.9] },
    { pinball: { max: 2 }, coverage: { min: 0.7, max: 0.9 } },
  );
  const challenger = build({ names: ["low", "high"] }, {});
  const rules = computeRulesInForce({ platform: floor, champion, challenger });
  expect(rules.gates).toMatchObject({ pinball: { max: 2 }, coverage: { min: 0.7, max: 0.9 } });
  expect(rules.loosened).toEqual([
    "gates.coverage.max was removed (it was 0.9)",
    "gates.coverage.min was removed (it was 0.7)",
    "gates.pinball.max was removed (it was 2)",
    "output.quantiles was removed (it was [0.1, 0.9])",
  ]);
});

test("changed holdout rows and golden vectors are listed; other files and a first version are not", () => {
  const champion = { "holdout.csv": "a", "golden.json": "b", "model.onnx": "c" };
  expect(describeChangedFiles({ champion, challenger: { ...champion, "model.onnx": "d" } })).toEqual([]);
  expect(describeChangedFiles({ champion, challenger: { "holdout.csv": "z" } })).toEqual([
    "holdout.csv changed",
    "golden.json was removed",
  ]);
  expect(describeChangedFiles({ challenger: champion })).toEqual([]);
  expect(describeChangedFiles({ champion, challenger: { "golden.json": "b" } })).toEqual([
    "holdout.csv was removed: no score is measured",
  ]);
});

test("a snapshot is kept only where both the policy and the manifest say so, and asking for one is a loosened rule", () => {
  const asking: Manifest = { ...churn, resources: { ...churn.resources, snapStart: true } };
  const allowing: Policy = { ...floor, resources: { ...floor.resources, snapStart: true } };
  const hasSnapshot = (platform: Policy, challenger: Manifest, committed?: Policy) =>
    computeRulesInForce({ platform, committed, champion: churn, challenger }).resources.snapStart === true;
  expect(hasSnapshot(allowing, asking)).toBe(true);
  expect(hasSnapshot(allowing, churn)).toBe(false);
  expect(hasSnapshot(floor, asking)).toBe(false);
  // A commit's policy cannot give what the platform's copy does not, and can take it.
  expect(hasSnapshot(floor, asking, allowing)).toBe(false);
  expect(hasSnapshot(allowing, asking, floor)).toBe(false);
  const { loosened, changed } = computeRulesInForce({
    platform: allowing,
    champion: churn,
    challenger: asking,
  });
  expect(loosened).toEqual(["resources.snapStart is new: true"]);
  expect(changed).toEqual([]);
  expect(computeRulesInForce({ platform: allowing, champion: asking, challenger: churn }).loosened).toEqual(
    [],
  );
});
