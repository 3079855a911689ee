import { type Policy, PolicyFields } from "./policy.ts";
import {
  atLeast,
  atLeastDuration,
  atMost,
  atMostDuration,
  compareRules,
  flattenRules,
  givenPermission,
  oneOf,
  permission,
  pickStrictest,
  type RuleChanges,
  type Strictness,
  subset,
  superset,
} from "./strictness.ts";

/** From the strictest to the loosest. */
export const recordInputs = ["none", "hashed", "full"] as const;
/** From the strictest to the loosest: only `ask` may promote a version that live traffic did not prove. */
export const onInconclusive = ["roll-back", "extend", "ask"] as const;

/** Which value of a policy's rule is stricter. A test checks that no field of the schema is missing. */
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
  ["gates.notWorseThanChampionBy.f1", atMost],
  ["gates.notWorseThanChampionBy.f1Micro", atMost],
  ["gates.notWorseThanChampionBy.f1Macro", atMost],
  ["gates.notWorseThanChampionBy.ndcg", atMost],
  ["gates.notWorseThanChampionBy.pinball", atMost],
  ["gates.notWorseThanChampionBy.coverage", atMost],
  ["canary.firstStep", atMost],
  ["canary.bake", atLeastDuration],
  ["canary.minSamples", atLeast],
  ["canary.atMost", atMostDuration],
  ["canary.onInconclusive", oneOf(onInconclusive)],
  ["canary.limits.errorPoints", atMost],
  ["canary.limits.latencyP95.ratio", atMost],
  ["canary.limits.latencyP95.slackMs", atMost],
  ["canary.limits.labelSharePoints", atMost],
  ["changes.prodHours", superset],
  ["resources.memoryMb", atMost],
  ["resources.timeoutSeconds", atMost],
  ["resources.snapStart", givenPermission],
  ["artifacts.buckets", subset],
  ["artifacts.hosts", subset],
  ["artifacts.maxBytes", atMost],
  ["records.inputs", oneOf(recordInputs)],
  ["records.ttlDays", atMost],
]);

const nestRules = (rules: ReadonlyMap<string, unknown>): unknown => {
  const root = new Map<string, unknown>();
  for (const [path, value] of rules) {
    const keys = path.split(".");
    let node = root;
    for (const key of keys.slice(0, -1)) {
      const child = node.get(key);
      const next: Map<string, unknown> = child instanceof Map ? child : new Map();
      node.set(key, next);
      node = next;
    }
    node.set(keys.at(-1) ?? "", value);
  }
  const toObject = (value: unknown): unknown =>
    value instanceof Map
      ? Object.fromEntries([...value].map(([key, child]) => [key, toObject(child)]))
      : value;
  return toObject(root);
};

/**
 * The policy that allows only what both allow. It may have fewer approvers than its quorum, or none: computeRulesInForce
 * reports that.
 */
export const computeStrictestPolicy = (platform: Policy, committed: Policy | undefined): Policy => {
  if (committed === undefined) return platform;
  const [platformRules, committedRules] = [flattenRules(platform), flattenRules(committed)];
  const rules = new Map<string, unknown>();
  for (const [path, rule] of policyRules) {
    const value = pickStrictest(rule, platformRules.get(path), committedRules.get(path));
    if (value !== undefined) rules.set(path, value);
  }
  return PolicyFields.parse(nestRules(rules));
};

export const comparePolicies = (before: Policy, after: Policy): RuleChanges =>
  compareRules(policyRules, flattenRules(before), flattenRules(after));
