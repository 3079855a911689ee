import { expect, test } from "vitest";
import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { explainDifferences } from "./explain-differences.ts";
import type { GivenPrediction } from "./interpret-predicted.ts";

const gates = { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } };
const explain = (task: Manifest["task"], output: object, rows: readonly [GivenPrediction, Prediction][]) =>
  explainDifferences(
    buildManifest({ task, output, gates }),
    rows.map(([given, actual]) => ({ given, actual })),
    rows.map((_, at) => at),
    false,
  );
const scored = (name: string, change: (value: number) => number): [GivenPrediction, Prediction][] =>
  [0.1, -0.2, 0.5, 0.7, -0.9].map((value) => [
    { scores: { [name]: change(value) } },
    { value, scores: { [name]: value } },
  ]);

test.each<[string, Manifest["task"], object, [GivenPrediction, Prediction][], RegExp]>([
  [
    "an anomaly's other sign",
    "anomaly",
    { threshold: 0 },
    scored("score", (value) => -value),
    /the score's sign/,
  ],
  [
    "score_samples",
    "anomaly",
    { threshold: 0 },
    scored("score", (value) => value - 0.5),
    /ours plus -0\.5000.*offset_/,
  ],
  [
    "a turned ranking",
    "ranking",
    {},
    scored("score", (value) => -value),
    /the order of each group is turned/,
  ],
  [
    "another training's clusters",
    "clustering",
    { labels: [0, 1], labelOutput: "label" },
    [
      [{ label: "0" }, { label: "1", scores: {} }],
      [{ label: "1" }, { label: "0", scores: {} }],
    ],
    /0 is 1 here, 1 is 0 here: each training numbers clusters anew/,
  ],
  [
    "targets in another order",
    "multilabel",
    { labels: ["a", "b"] },
    [
      [{ scores: { a: 0.1, b: 0.9 } }, { labels: ["a"], scores: { a: 0.9, b: 0.1 } }],
      [{ scores: { a: 0.3, b: 0.6 } }, { labels: ["a"], scores: { a: 0.6, b: 0.3 } }],
    ],
    /a, b are read as b, a: repeat --target/,
  ],
  [
    "one of several heads",
    "multioutput",
    {
      heads: [
        { name: "size", labels: ["s", "m"] },
        { name: "kind", labels: ["x", "y"] },
      ],
    },
    [
      [
        { heads: { size: { label: "s" }, kind: { label: "x" } } },
        { scores: {}, heads: { size: { label: "s", scores: {} }, kind: { label: "y", scores: {} } } },
      ],
    ],
    /the labels' order of kind, because the other heads agree/,
  ],
])("%s is named as the likely cause", (_, task, output, rows, cause) => {
  expect(explain(task, output, rows)).toMatch(cause);
});
