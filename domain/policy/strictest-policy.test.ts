import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { durationToSeconds, Manifest, OnInconclusive } from "#model-folder/manifest/manifest.ts";
import { manifestRules } from "./compare-manifests.ts";
import { Policy, PolicyFields } from "./policy.ts";
import { computeRulesInForce, type RulesInForce } from "./rules-in-force.ts";
import { comparePolicies, computeStrictestPolicy, policyRules } from "./strictest-policy.ts";
import { flattenRules, isLooser } from "./strictness.ts";

const read = (path: string) => parse(readFileSync(new URL(`../../${path}`, import.meta.url), "utf8"));
const churn = Manifest.parse(read("models/churn/model.yaml"));
const transit = Manifest.parse(read("models/transit-time/model.yaml"));

/** Every leaf of a zod schema by its path, as its JSON Schema has it; a list is one leaf. */
const leaves = (schema: unknown, path = ""): string[] => {
  if (typeof schema !== "object" || schema === null) return [];
  const { properties, anyOf, oneOf } = schema as Record<string, unknown>;
  const branches = anyOf ?? oneOf;
  if (Array.isArray(branches)) return [...new Set(branches.flatMap((one) => leaves(one, path)))];
  if (typeof properties !== "object" || properties === null) return path === "" ? [] : [path];
  return Object.entries(properties).flatMap(([key, below]) =>
    leaves(below, path === "" ? key : `${path}.${key}`),
  );
};
const leavesOf = (schema: z.ZodType) =>
  leaves(z.toJSONSchema(schema, { unrepresentable: "any", io: "input" }));

test("every field of a policy has a rule for which value is stricter", () => {
  expect([...policyRules.keys()].toSorted()).toEqual(leavesOf(PolicyFields).toSorted());
});

test("every rule of a manifest has one, too", () => {
  const sections = /^(gates|approval|canary|changes|resources|records)\./;
  const rules = leavesOf(Manifest).filter((path) => sections.test(path));
  expect(rules.length).toBeGreaterThan(15);
  expect([...manifestRules.keys()].filter((path) => sections.test(path)).toSorted()).toEqual(
    [...new Set(rules)].toSorted(),
  );
});

const minutes = (min: number, max: number) => fc.integer({ min, max }).map((count) => `PT${count}M`);
const users = ["U0AAA", "U0BBB", "U0CCC", "U0DDD"] as const;
const share = fc.double({ min: 0, max: 1, noNaN: true });
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const without = (fields: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
const margins = fc
  .record({ accuracy: optional(share), auc: optional(share), mae: optional(share), rmse: optional(share) })
  .map(without);
const records = fc.record({
  inputs: fc.constantFrom("full" as const, "hashed" as const, "none" as const),
  ttlDays: fc.integer({ min: 1, max: 3_650 }),
});
const policies = fc
  .record({
    // Two are always among them, so that a quorum of two can be met by what several policies allow.
    approvers: fc.subarray([...users]).map((some) => [...new Set(["U0AAA", "U0BBB", ...some])]),
    quorum: fc.integer({ min: 1, max: 2 }),
    authorMayApprove: fc.boolean(),
    timeout: minutes(2, 600),
    latencyP95Ms: fc.integer({ min: 1, max: 5_000 }),
    imageSizeMb: fc.integer({ min: 1, max: 5_000 }),
    critical: fc.nat(9),
    high: fc.nat(20),
    margins,
    firstStep: fc.integer({ min: 1, max: 99 }),
    bake: minutes(1, 600),
    minSamples: fc.integer({ min: 1, max: 9_999 }),
    atMost: minutes(1, 600),
    onInconclusive: optional(fc.constantFrom(...OnInconclusive.options)),
    errorPoints: fc.integer({ min: 0, max: 100 }),
    ratio: fc.double({ min: 1, max: 9, noNaN: true }),
    slackMs: fc.nat(500),
    labelSharePoints: fc.integer({ min: 0, max: 100 }),
    memoryMb: fc.integer({ min: 128, max: 10_240 }),
    timeoutSeconds: fc.integer({ min: 1, max: 900 }),
    snapStart: optional(fc.boolean()),
    records: optional(records),
    prodHours: optional(
      fc.subarray([
        "mon-fri 08:00-18:00 Europe/Zurich",
        "tue-thu 09:00-17:00 UTC",
        "mon-sat 06:00-20:00 UTC",
      ]),
    ),
    artifacts: optional(
      fc.record({
        buckets: fc.subarray(["models", "more-models"]),
        hosts: fc.subarray(["models.example.com", "files.example.com"]),
        maxBytes: fc.integer({ min: 1, max: 2_000_000_000 }),
      }),
    ),
  })
  .map((rule) =>
    Policy.parse(
      without({
        approval: {
          approvers: rule.approvers,
          quorum: rule.quorum,
          authorMayApprove: rule.authorMayApprove,
          timeout: rule.timeout,
        },
        gates: {
          latencyP95Ms: rule.latencyP95Ms,
          imageSizeMb: rule.imageSizeMb,
          vulnerabilities: { critical: rule.critical, high: rule.high },
          notWorseThanChampionBy: rule.margins,
        },
        canary: {
          firstStep: rule.firstStep,
          bake: rule.bake,
          minSamples: rule.minSamples,
          atMost: rule.atMost,
          ...(rule.onInconclusive === undefined ? {} : { onInconclusive: rule.onInconclusive }),
          limits: {
            errorPoints: rule.errorPoints,
            latencyP95: { ratio: rule.ratio, slackMs: rule.slackMs },
            labelSharePoints: rule.labelSharePoints,
          },
        },
        resources: {
          memoryMb: rule.memoryMb,
          timeoutSeconds: rule.timeoutSeconds,
          snapStart: rule.snapStart,
        },
        records: rule.records,
        changes: rule.prodHours && { prodHours: rule.prodHours },
        artifacts: rule.artifacts,
      }),
    ),
  );

const margin = optional(share);
const manifests = (base: Manifest) =>
  fc
    .record({
      gates: fc.constantFrom(...([["accuracy", "auc"], ["accuracy"], []] as const)),
      bound: fc.double({ min: 0.1, max: 0.9, noNaN: true }),
      margin,
      policy: policies,
      steps: fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 10 }),
      onInconclusive: fc.constantFrom(...OnInconclusive.options),
      // Within every policy's limit: what records too much is refused, which attacks test.
      positive: fc.boolean(),
    })
    .map(({ gates, bound, margin: loss, policy, steps, onInconclusive, positive }) => {
      const names =
        base.task === "classification" ? gates : gates.map((name) => (name === "auc" ? "rmse" : "mae"));
      const kept = names.filter((name) => positive || name !== "auc");
      const output =
        base.task === "classification" && !positive ? { labels: base.output.labels } : base.output;
      return Manifest.parse({
        ...base,
        output,
        gates: {
          ...Object.fromEntries(
            kept.map((name) => [
              name,
              {
                [base.task === "classification" ? "min" : "max"]: bound,
                ...(loss === undefined ? {} : { notWorseThanChampionBy: loss }),
              },
            ]),
          ),
          latencyP95Ms: policy.gates.latencyP95Ms,
          imageSizeMb: policy.gates.imageSizeMb,
          vulnerabilities: policy.gates.vulnerabilities,
        },
        approval: policy.approval,
        canary: {
          steps: steps.toSorted((a, b) => a - b),
          bake: policy.canary.bake,
          minSamples: policy.canary.minSamples,
          onInconclusive,
          atMost: policy.canary.atMost,
        },
        resources: policy.resources,
        changes: policy.changes,
        records: { inputs: "none", ttlDays: 1 },
      });
    });

/** Where the rules in force say what a policy's rule says. */
const inForce = (
  { gates, approval, canary, canaryLimits, prodHours, resources, artifacts }: RulesInForce,
  challenger: Manifest,
) => {
  const { latencyP95Ms, imageSizeMb, vulnerabilities, ...scores } = gates;
  return flattenRules({
    approval,
    gates: {
      latencyP95Ms,
      imageSizeMb,
      vulnerabilities,
      notWorseThanChampionBy: Object.fromEntries(
        Object.entries(scores).map(([name, score]) => [name, score.notWorseThanChampionBy]),
      ),
    },
    canary: {
      firstStep: canary.steps[0],
      bake: canary.bake,
      minSamples: canary.minSamples,
      atMost: canary.atMost,
      onInconclusive: canary.onInconclusive,
      limits: canaryLimits,
    },
    changes: { prodHours },
    resources,
    artifacts,
    records: challenger.records,
  });
};

/** Scores that this model can be measured by; a margin of another one bounds nothing. */
const measured = (path: string, task: Manifest["task"], positive: boolean): boolean => {
  const score = /^gates\.notWorseThanChampionBy\.(\w+)$/.exec(path)?.[1];
  if (score === undefined) return true;
  if (score === "auc") return task === "classification" && positive;
  return (task === "classification") === (score === "accuracy");
};
const hasPositive = (manifest: Manifest | undefined) =>
  manifest?.task === "classification" &&
  (manifest.output.positive !== undefined || manifest.gates.auc !== undefined);

test.each([
  ["classification", churn],
  ["regression", transit],
] as const)(
  "no commit and no champion makes a rule in force looser than the platform's copy (%s)",
  (_, base) => {
    fc.assert(
      fc.property(
        policies,
        optional(policies),
        optional(manifests(base)),
        manifests(base),
        (platform, committed, champion, challenger) => {
          const rules = computeRulesInForce({ platform, committed, champion, challenger });
          const found = inForce(rules, challenger);
          const positive = hasPositive(challenger) || hasPositive(champion);
          for (const [path, rule] of policyRules) {
            if (!measured(path, base.task, positive)) continue;
            for (const floor of [platform, committed])
              if (floor)
                expect([path, isLooser(rule, found.get(path), flattenRules(floor).get(path))]).toEqual([
                  path,
                  false,
                ]);
          }
          // A commit never lets its author approve where the platform does not.
          expect(rules.approval.authorMayApprove && !platform.approval.authorMayApprove).toBe(false);
        },
      ),
    );
  },
);

test("what a commit's policy loosens changes nothing: with it the rules are those without it, or stricter", () => {
  fc.assert(
    fc.property(policies, policies, (platform, committed) => {
      const both = computeStrictestPolicy(platform, committed);
      expect(comparePolicies(platform, both).loosened).toEqual([]);
      expect(comparePolicies(committed, both).loosened).toEqual([]);
      expect(computeStrictestPolicy(platform, platform)).toEqual(platform);
    }),
  );
});

test("loosened and tightened rules are listed separately, each with both values", () => {
  const before = Policy.parse(read("policy.yaml"));
  const after: Policy = {
    ...before,
    approval: { ...before.approval, timeout: "P1D" },
    gates: { ...before.gates, latencyP95Ms: 2_000 },
  };
  expect(durationToSeconds(after.approval.timeout)).toBeLessThan(durationToSeconds(before.approval.timeout));
  expect(comparePolicies(before, after)).toEqual({
    loosened: ["gates.latencyP95Ms 1000 → 2000"],
    tightened: ["approval.timeout P7D → P1D"],
  });
});
