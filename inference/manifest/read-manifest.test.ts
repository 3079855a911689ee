import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countCalls } from "../../test/count-calls.ts";
import { churnYaml } from "../../test/onnx/churn-folder.ts";
import { ManifestInvalid } from "./folder-problem.ts";
import { readManifest } from "./read-manifest.ts";

const problemsOf = (text: string) => {
  try {
    readManifest(text);
  } catch (error) {
    if (error instanceof ManifestInvalid) return error.problems;
    throw error;
  }
  return [];
};
/** churn's manifest with one piece of text changed, and the line on which that piece stands. */
const changed = (from: string, to: string) => {
  const text = churnYaml();
  const offset = text.indexOf(from);
  if (offset < 0) throw new Error(`churn's manifest holds no ${from}`);
  return { text: text.replace(from, () => to), line: text.slice(0, offset).split("\n").length };
};

describe("readManifest", () => {
  test("reads churn's manifest", () => {
    expect(readManifest(churnYaml())).toMatchObject({ name: "churn", task: "classification" });
  });

  test.each([
    ["a missing field", "owner: data-science@example.com\n", "", "owner", /owner is missing/, /Add owner/],
    ["an unknown field", "owner:", "ownr:", "ownr", /no field/, /Did you mean owner\?/],
    [
      "an unknown field of an input",
      "{ name: tenure, type",
      "{ nme: tenure, type",
      "inputs[4].nme",
      /no field/,
      /Did you mean name/,
    ],
    [
      "an unknown field that is near none",
      "owner:",
      "colour: red\nowner:",
      "colour",
      /no field/,
      /Remove it; the fields here are name/,
    ],
    ["a wrong type", "max: 120", "max: many", "inputs[4].max", /type/, /Change the value/],
    [
      "an unknown kind of input",
      "{ name: tenure, type: integer,",
      "{ name: tenure, type: int,",
      "inputs[4].type",
      /kinds/,
      /integer, number/,
    ],
    [
      "an unknown task",
      "task: classification",
      "task: clustering",
      "task",
      /kinds/,
      /classification or regression/,
    ],
    [
      "a value that is none of those allowed",
      "onInconclusive: extend",
      "onInconclusive: wait",
      "canary.onInconclusive",
      /none of the values/,
      /extend or roll-back/,
    ],
    ["a number that is too large", "quorum: 1,", "quorum: 11,", "approval.quorum", /at most 10/, /Lower/],
    [
      "an artifact in another folder",
      "artifact: model.onnx",
      "artifact: ../model.onnx",
      "artifact",
      /file name/,
      /Change/,
    ],
    ["a duration that is none", "PT24H", "1 day", "approval.timeout", /ISO 8601/, /Change/],
    [
      "a positive label that is none",
      "positive: churn",
      "positive: leave",
      "output.positive",
      /one of the labels/,
      /Change/,
    ],
    [
      "a min above its max",
      "min: 0, max: 120",
      "min: 130, max: 120",
      "inputs[4].min",
      /greater than max/,
      /Change/,
    ],
    [
      "a duplicate key",
      "task: classification",
      "name: again\ntask: classification",
      "",
      /stands twice/,
      /Keep one/,
    ],
    ["broken YAML", "steps: [10, 50]", "steps: [10, 50", "", /./, /Correct the YAML/],
  ])("%s is named with its line and a remedy", (_, from, to, path, message, remedy) => {
    const { text, line } = changed(from, to);
    const problems = problemsOf(text);
    const found = problems.find((problem) => problem.path === path && message.test(problem.message));
    expect(found, JSON.stringify(problems)).toMatchObject({ file: "model.yaml", severity: "error" });
    expect(found?.remedy).toMatch(remedy);
    // What is missing is looked for where it should stand; everything else stands on its own line.
    if (to === "") expect(found?.line).toBeGreaterThan(0);
    else if (to.includes("\n") && path === "") expect(found?.line).toBe(line);
    else if (!/Correct/.test(found?.remedy ?? "")) expect(found?.line).toBe(line);
  });

  test("every mistake is told at once, in the order of the lines", () => {
    const text = churnYaml()
      .replace("max: 120", "max: many")
      .replace("PT24H", "soon")
      .replace("owner:", "ownr:");
    const lines = problemsOf(text).map(({ line }) => line ?? 0);
    expect(lines.length).toBeGreaterThanOrEqual(4);
    expect(lines).toEqual([...lines].sort((a, b) => a - b));
  });

  test("a bomb of aliases is refused", () => {
    const levels = Array.from(
      { length: 20 },
      (_, at) =>
        `a${at}: &a${at} [${
          at === 0
            ? "x"
            : Array(9)
                .fill(`*a${at - 1}`)
                .join(", ")
        }]`,
    );
    expect(problemsOf(levels.join("\n"))[0]?.message).toMatch(/alias/i);
  });

  test("more than 256 KB is refused without being parsed", () => {
    expect(problemsOf(`# ${"x".repeat(300_000)}`)[0]?.message).toMatch(/larger than 256 KB/);
  });

  test("a tower of brackets ends in a problem, not in a broken stack", () => {
    expect(problemsOf("[".repeat(100_000)).length).toBeGreaterThan(0);
    expect(problemsOf(`${"[".repeat(3_000)}${"]".repeat(3_000)}`).length).toBeGreaterThan(0);
  });

  test("whatever the text holds, the answer is a manifest or ManifestInvalid", () => {
    const lines = churnYaml().split("\n");
    const mangled = fc
      .tuple(fc.nat(lines.length - 1), fc.nat(120), fc.string({ maxLength: 12, unit: "binary" }))
      .map(([line, column, insert]) =>
        lines
          .map((text, at) => (at === line ? text.slice(0, column) + insert + text.slice(column) : text))
          .join("\n"),
      );
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json(), mangled), (text) => {
        for (const { line, remedy } of problemsOf(text)) {
          expect(line).toBeGreaterThan(0);
          expect(remedy).not.toBe("");
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("however large the file", () => {
  const keys = (count: number): string =>
    churnYaml() + Array.from({ length: count }, (_, at) => `key${at}: 1\n`).join("");
  const twice = (count: number): string => churnYaml() + "name: churn\n".repeat(count);
  const inputs = (count: number): string =>
    churnYaml().replace("inputs:\n", `inputs:\n${"  - { x: 1 }\n".repeat(count)}`);
  test.each([
    ["unknown keys", keys],
    ["keys that stand twice", twice],
    ["broken inputs", inputs],
  ])("%s: twice as many take twice the steps, not four times", (_, text) => {
    // Once before, so that what is loaded lazily counts for neither.
    countCalls(() => readManifest(text(500)));
    const few = countCalls(() => readManifest(text(4_000)));
    const many = countCalls(() => readManifest(text(8_000)));
    expect(many).toBeLessThan(2.5 * few);
  });
});
