import { expect, test } from "vitest";
import type { FolderProblem } from "#model-folder/manifest/folder-problem.ts";
import { selectAnnotations } from "./select-annotations.ts";

const build = (model: string, count: number, severity: "error" | "warning" = "error"): FolderProblem[] =>
  Array.from({ length: count }, (_, index) => ({
    severity,
    file: `models/${model}/model.yaml`,
    line: index + 1,
    path: `inputs[${index}]`,
    message: "is wrong",
    remedy: "Correct it.",
  }));
const count = (lines: readonly string[], kind: string) =>
  lines.filter((line) => line.startsWith(`::${kind} `)).length;

test("as many as GitHub shows are shown as they are", () => {
  const lines = selectAnnotations([build("a", 4), build("b", 6), build("c", 10, "warning")]);
  expect([count(lines, "error"), count(lines, "warning")]).toEqual([10, 10]);
  expect(lines.join()).not.toContain("more");
});

test("of more, each model's first ones are shown, and the last says how many are left", () => {
  const lines = selectAnnotations([
    build("a", 60),
    build("b", 1),
    [...build("c", 2), ...build("c", 31, "warning")],
  ]);
  expect([count(lines, "error"), count(lines, "warning")]).toEqual([10, 10]);
  for (const model of ["a", "b", "c"])
    expect(lines.join("\n")).toContain(`file=models/${model}/model.yaml,line=1,`);
  expect(lines).toContain(
    "::error title=slipway check::54 more errors: GitHub shows 10 of a step. The job's summary and its log have all of them.",
  );
  expect(lines.at(-1)).toContain("22 more warnings");
});

test("a warning after which the delivery fails counts as an error", () => {
  const [problem] = build("a", 1, "warning");
  if (!problem) throw new Error("there is one");
  expect(selectAnnotations([[{ ...problem, failsDelivery: true }]])).toEqual([
    expect.stringMatching(/^::error /),
  ]);
});

test("no problem gives no line", () => {
  expect(selectAnnotations([[], []])).toEqual([]);
});
