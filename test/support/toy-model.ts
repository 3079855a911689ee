/** The tests' model: a classifier with one number as input, whose function predicts the same for every row. */
export const toyModel = "toy";
export const fakeCommit = (letter: string): string => letter.repeat(40);
export const fakeDigest = (letter: string): string => `sha256:${letter.repeat(64)}`;

export const buildModelYaml = (changes: Readonly<Record<string, string>> = {}): string =>
  Object.entries({
    name: toyModel,
    task: "classification",
    owner: "owner@example.com",
    inputs: "[{ name: x, type: number, min: 0, max: 10 }]",
    output: "{ labels: [no, yes], positive: yes }".replaceAll("no", '"no"').replaceAll("yes", '"yes"'),
    gates: "{ latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } }",
    approval: "{ approvers: [U024BE7LH], quorum: 1, authorMayApprove: false, timeout: PT24H }",
    canary: "{ steps: [10, 50], bake: PT30M, minSamples: 200, onInconclusive: extend, atMost: PT6H }",
    resources: "{ memoryMb: 512, timeoutSeconds: 30 }",
    records: "{ inputs: full, ttlDays: 30 }",
    ...changes,
  })
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");

export const policyYaml = `
approval: { approvers: [U024BE7LH, U0SECOND1], quorum: 1, authorMayApprove: false, timeout: P7D }
gates:
  latencyP95Ms: 1000
  imageSizeMb: 1000
  vulnerabilities: { critical: 0, high: 10 }
  notWorseThanChampionBy: { accuracy: 0.05 }
canary:
  firstStep: 25
  bake: PT5M
  minSamples: 100
  atMost: PT6H
  limits: { errorPoints: 1, latencyP95: { ratio: 1.5, slackMs: 5 }, labelSharePoints: 10 }
resources: { memoryMb: 3008, timeoutSeconds: 60 }
`;

/** What the model predicts for every row. */
export const toyPrediction = { label: "yes", scores: { no: 0.25, yes: 0.75 } };
const bytes = (text: string) => new TextEncoder().encode(text);

/** The files of the model at a commit: every commit has a different ONNX file. */
export const buildModelFiles = (commit: string, yaml = buildModelYaml()): Map<string, Uint8Array> =>
  new Map([
    ["model.yaml", bytes(yaml)],
    ["model.onnx", bytes(`onnx of ${commit}`)],
    ["holdout.csv", bytes("x,label\n1,yes\n2,no\n")],
    [
      "golden.json",
      bytes(
        JSON.stringify({
          tolerance: 1e-5,
          rows: [{ x: 1 }, { x: 2 }],
          predictions: [toyPrediction, toyPrediction],
        }),
      ),
    ],
    ["metrics.json", bytes(`{"auc": 0.84, "accuracy": {"value": 0.8}, "note": "tuned"}`)],
  ]);
