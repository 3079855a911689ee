import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { onInconclusive, recordInputs } from "./strictest-policy.ts";
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
  type RuleChanges,
  type Strictness,
  same,
  subset,
  superset,
} from "./strictness.ts";

const scoreRules = (name: string, bound: "min" | "max"): [string, Strictness][] => [
  [`gates.${name}.${bound}`, bound === "min" ? atLeast : atMost],
  [`gates.${name}.notWorseThanChampionBy`, atMost],
];

/** Fields of outputs that decide which scores are measured, and how. */
const measuredOutput = [
  "positive",
  "quantiles",
  "deviation",
  "anomalyIs",
  "anomaly",
  "group",
  "at",
  "scheme",
  "outside",
] as const;

/** Which value of a manifest's rule is stricter. A test checks that no field is missing. */
export const manifestRules: ReadonlyMap<string, Strictness> = new Map([
  ...scoreRules("accuracy", "min"),
  ...scoreRules("auc", "min"),
  ...scoreRules("mae", "max"),
  ...scoreRules("rmse", "max"),
  ...scoreRules("f1", "min"),
  ...scoreRules("f1Micro", "min"),
  ...scoreRules("f1Macro", "min"),
  ...scoreRules("ndcg", "min"),
  ...scoreRules("pinball", "max"),
  ...scoreRules("coverage", "min"),
  ["gates.coverage.max", atMost],
  ["gates.latencyP95Ms", atMost],
  ["gates.imageSizeMb", atMost],
  ["gates.vulnerabilities.critical", atMost],
  ["gates.vulnerabilities.high", atMost],
  ["approval.approvers", subset],
  ["approval.quorum", atLeast],
  ["approval.authorMayApprove", permission],
  ["approval.timeout", atMostDuration],
  ["canary.steps", superset],
  ["canary.bake", atLeastDuration],
  ["canary.minSamples", atLeast],
  ["canary.onInconclusive", oneOf(onInconclusive)],
  ["canary.atMost", atMostDuration],
  ["changes.prodHours", superset],
  ["resources.memoryMb", atMost],
  ["resources.timeoutSeconds", atMost],
  ["resources.snapStart", givenPermission],
  ["records.inputs", oneOf(recordInputs)],
  ["records.ttlDays", atMost],
  ["task", same],
  ...measuredOutput.map((field): [string, Strictness] => [`output.${field}`, same]),
]);

const flattenManifest = ({ gates, approval, canary, changes, resources, records, task, output }: Manifest) =>
  flattenRules({
    gates,
    approval,
    canary,
    changes,
    resources,
    records,
    task,
    output: Object.fromEntries(
      measuredOutput.map((field) => [field, new Map<string, unknown>(Object.entries(output)).get(field)]),
    ),
  });

/** What the challenger's manifest loosens and tightens, for example `gates.accuracy.min 0.75 → 0.6`. */
export const compareManifests = ({
  champion,
  challenger,
}: {
  readonly champion?: Manifest | undefined;
  readonly challenger: Manifest;
}): RuleChanges =>
  champion
    ? compareRules(manifestRules, flattenManifest(champion), flattenManifest(challenger))
    : { loosened: [], tightened: [] };
