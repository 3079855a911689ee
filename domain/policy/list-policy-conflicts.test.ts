import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { Manifest } from "#model-folder/manifest/manifest.ts";
import { listPolicyConflicts } from "./list-policy-conflicts.ts";
import { Policy } from "./policy.ts";
import { computeRulesInForce } from "./rules-in-force.ts";

const read = (path: string) => parse(readFileSync(new URL(`../../${path}`, import.meta.url), "utf8"));
const churn = Manifest.parse(read("models/churn/model.yaml"));
const policy = Policy.parse(read("policy.yaml"));
const withApprovers = (approvers: string[], quorum: number): Manifest => ({
  ...churn,
  approval: { ...churn.approval, approvers, quorum },
});
const two: Policy = { ...policy, approval: { ...policy.approval, approvers: ["U0AAA", "U0BBB"] } };

test("the shipped model is allowed by the shipped policy", () => {
  expect(listPolicyConflicts(churn, policy)).toEqual([]);
});

test("hours that never meet those of the policy are an error, as a delivery refuses them", () => {
  const platform: Policy = { ...policy, changes: { prodHours: ["mon-fri 08:00-18:00 Europe/Zurich"] } };
  const challenger: Manifest = { ...churn, changes: { prodHours: ["sat 08:00-12:00 Europe/Zurich"] } };
  expect(listPolicyConflicts(challenger, platform)).toMatchObject([
    { severity: "error", path: ["changes", "prodHours"], message: expect.stringContaining("never open") },
  ]);
  expect(() => computeRulesInForce({ platform, challenger })).toThrow(
    expect.objectContaining({ name: "ManifestInvalid", message: expect.stringContaining("never open") }),
  );
  const overlapping: Manifest = { ...churn, changes: { prodHours: ["fri-sat 08:00-12:00 Europe/Zurich"] } };
  expect(listPolicyConflicts(overlapping, platform)).toEqual([]);
});

test.each([
  { approvers: ["U0OTHER"], quorum: 1, message: "none of them is in policy.yaml" },
  {
    approvers: ["U0AAA", "U0OTHER"],
    quorum: 2,
    message: "only U0AAA is in policy.yaml, and 2 approvals are required",
  },
])(
  "approvers whom a first delivery would refuse are an error: $message",
  ({ approvers, quorum, message }) => {
    const manifest = withApprovers(approvers, quorum);
    expect(listPolicyConflicts(manifest, two)).toEqual([
      {
        severity: "error",
        path: ["approval", "approvers"],
        message,
        remedy: "Choose from: U0AAA, U0BBB.",
      },
    ]);
    expect(() => computeRulesInForce({ platform: two, challenger: manifest })).toThrow(
      /nobody could approve/,
    );
  },
);

test("approvers who reach the quorum are no problem, although another is not allowed", () => {
  expect(listPolicyConflicts(withApprovers(["U0AAA", "U0OTHER"], 1), two)).toEqual([]);
});

test("snapshots without the policy's permission are a warning", () => {
  const manifest: Manifest = { ...churn, resources: { ...churn.resources, snapStart: true } };
  expect(listPolicyConflicts(manifest, policy)).toMatchObject([
    { severity: "warning", path: ["resources", "snapStart"] },
  ]);
  const allowing: Policy = { ...policy, resources: { ...policy.resources, snapStart: true } };
  expect(listPolicyConflicts(manifest, allowing)).toEqual([]);
});

test("a canary without a verdict that is looser than the policy allows is a warning, with what is allowed", () => {
  const manifest: Manifest = { ...churn, canary: { ...churn.canary, onInconclusive: "ask" } };
  expect(listPolicyConflicts(manifest, policy)).toEqual([]);
  const limited: Policy = { ...policy, canary: { ...policy.canary, onInconclusive: "extend" } };
  expect(listPolicyConflicts(manifest, limited)).toMatchObject([
    {
      severity: "warning",
      path: ["canary", "onInconclusive"],
      remedy: "Write roll-back or extend.",
    },
  ]);
});
