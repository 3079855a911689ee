import { type Policy, PolicyFields } from "./policy.ts";
import {
  atLeast,
  atLeastDuration,
  atMost,
  atMostDuration,
  compareRules,
  flattenRules,
  oneOf,
  permission,
  pickStrictest,
  type RuleChanges,
  type Strictness,
  subset,
} from "./strictness.ts";

/** How much of a request a prediction record keeps, from the least on. */
export const recordInputs = ["none", "hashed", "full"] as const;

/** For each rule of a policy which value is the stricter. A test holds that no field of the schema is missing here. */
export const policyRules: ReadonlyMap<string, Strictness> = new Map([
  ["approval.approvers", subset],
  ["approval.quorum", atLeast],
  ["approval.authorMayApprove", permission],
  ["approval.timeout", atMostDuration],
  ["gates.latencyP95Ms", atMost],
  ["gates.imageSizeMb", atMost],
  ["gates.vulnerabilities.critical", atMost],
  ["gates.vulnerabilities.high", atMost],
  ["gates.notWorseThanChampionBy.accuracy", atMost],
  ["gates.notWorseThanChampionBy.auc", atMost],
  ["gates.notWorseThanChampionBy.mae", atMost],
  ["gates.notWorseThanChampionBy.rmse", atMost],
  ["canary.firstStep", atMost],
  ["canary.bake", atLeastDuration],
  ["canary.minSamples", atLeast],
  ["canary.atMost", atMostDuration],
  ["canary.limits.errorPoints", atMost],
  ["canary.limits.latencyP95.ratio", atMost],
  ["canary.limits.latencyP95.slackMs", atMost],
  ["canary.limits.labelSharePoints", atMost],
  ["resources.memoryMb", atMost],
  ["resources.timeoutSeconds", atMost],
  ["records.inputs", oneOf(recordInputs)],
  ["records.ttlDays", atMost],
]);

const nestRules = (rules: ReadonlyMap<string, unknown>): unknown => {
  const root = new Map<string, unknown>();
  for (const [path, value] of rules) {
    const keys = path.split(".");
    let here = root;
    for (const key of keys.slice(0, -1)) {
      const below = here.get(key);
      const next: Map<string, unknown> = below instanceof Map ? below : new Map();
      here.set(key, next);
      here = next;
    }
    here.set(keys.at(-1) ?? "", value);
  }
  const toObject = (value: unknown): unknown =>
    value instanceof Map
      ? Object.fromEntries([...value].map(([key, below]) => [key, toObject(below)]))
      : value;
  return toObject(root);
};

/**
 * The policy that allows only what both allow, each rule at its strictest. Its approvers may be fewer than its quorum,
 * or none at all: computeRulesInForce says so in a sentence.
 */
export const computeStrictestPolicy = (platform: Policy, committed: Policy | undefined): Policy => {
  if (committed === undefined) return platform;
  const [one, other] = [flattenRules(platform), flattenRules(committed)];
  const rules = new Map<string, unknown>();
  for (const [path, rule] of policyRules) {
    const value = pickStrictest(rule, one.get(path), other.get(path));
    if (value !== undefined) rules.set(path, value);
  }
  return PolicyFields.parse(nestRules(rules));
};

/** What another policy would loosen and tighten, a sentence for each rule. */
export const comparePolicies = (before: Policy, after: Policy): RuleChanges =>
  compareRules(policyRules, flattenRules(before), flattenRules(after));
