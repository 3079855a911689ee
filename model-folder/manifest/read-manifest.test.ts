import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countCalls } from "#test/support/count-calls.ts";
import { readChurnYaml } from "#test/support/onnx/churn-folder.ts";
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
  const text = readChurnYaml();
  const offset = text.indexOf(from);
  if (offset < 0) throw new Error(`churn's manifest holds no ${from}`);
  return { text: text.replace(from, () => to), line: text.slice(0, offset).split("\n").length };
};

describe("readManifest", () => {
  test("reads churn's manifest", () => {
    expect(readManifest(readChurnYaml())).toMatchObject({ name: "churn", task: "classification" });
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
    const text = readChurnYaml()
      .replace("max: 120", "max: many")
      .replace("PT24H", "soon")
      .replace("owner:", "ownr:");
    const lines = problemsOf(text).map(({ line }) => line ?? 0);
    expect(lines.length).toBeGreaterThanOrEqual(4);
    expect(lines).toEqual([...lines].sort((a, b) => a - b));
  });

  test("more than 50 anchors and aliases are refused where they become too many, each of its own anchor too", () => {
    const pairs = (count: number) => `${readChurnYaml()}more: [${"&a a, *a, ".repeat(count)}]`;
    const line = readChurnYaml().split("\n").length;
    expect(problemsOf(pairs(26))).toMatchObject([
      { line, message: "more than 50 anchors and aliases", remedy: "Write the values out without aliases." },
    ]);
    expect(problemsOf(pairs(25))).toMatchObject([{ path: "more", message: "more is no field here" }]);
    expect(problemsOf(`[${"&a a,".repeat(5_000)}]`)[0]?.message).toMatch(/^more than 50 anchors/);
  });

  test("a list or a mapping is no key", () => {
    expect(problemsOf(`${readChurnYaml()}[a, b]: 1\n`)[0]?.message).toBe("a list or a mapping as a key");
  });

  test("a second document is refused where it begins", () => {
    const text = readChurnYaml();
    expect(problemsOf(`${text}---\n${text}`)).toMatchObject([
      { line: text.split("\n").length, message: "a second document begins here" },
    ]);
    expect(readManifest(`${text}---\n${text}`, { promoted: true }).name).toBe("churn");
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
    const lines = readChurnYaml().split("\n");
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

describe("before a file is parsed", () => {
  const withInputs = (inputs: readonly string[]): string =>
    readChurnYaml().replace(/(?<=\ninputs:.*\n)([ #].*\n)+/, () => inputs.join(""));
  const many = (count: number, write: (at: number) => string) =>
    Array.from({ length: count }, (_, at) => write(at));

  test.each([
    [
      "2,000 inputs with each of their fields, on a line each",
      many(
        2_000,
        (at) => `  - { name: "c_${at}", type: number, min: -10.5, max: 123456.5, required: false }\n`,
      ),
      2_000,
    ],
    [
      "2,000 inputs with each of their fields, on lines of their own",
      many(
        2_000,
        (at) => `  - name: c_${at}\n    type: number\n    min: -10.5\n    max: 12.5\n    required: false\n`,
      ),
      2_000,
    ],
    [
      "two inputs of 10,000 quoted values each",
      many(
        2,
        (at) =>
          `  - { name: c_${at}, type: category, values: [${many(10_000, (n) => `"v${n}"`).join(",")}] }\n`,
      ),
      2,
    ],
  ])("%s are read", (_, inputs, count) => {
    expect(readManifest(withInputs(inputs)).inputs).toHaveLength(count);
  });

  test.each([
    ["\t: }\n"],
    ["- {a: 1}\n"],
    ["[]\n"],
    ["}"],
    ["- "],
    ["? "],
    ["! "],
    ["''\n"],
    ["a:\n"],
    ["#\n"],
    ["%a\n"],
    ["---\n"],
    ["&a a "],
    ["*a "],
    ["{},"],
    ["\\q"],
    ["\n"],
    ["\r"],
  ])("256 KB of %j are refused for their marks, at a place within the file", (piece) => {
    const text = piece.repeat(Math.floor((256 * 1_024) / piece.length));
    const [problem, ...others] = problemsOf(text);
    expect(problem?.message).toBe("more values, lists and lines than are read");
    expect(problem?.line).toBeLessThanOrEqual(text.split("\n").length);
    expect(others).toEqual([]);
  });

  test("of thousands of mistakes a hundred are named, and errors have their stacks again afterwards", () => {
    const limit = Error.stackTraceLimit;
    expect(problemsOf(`[${",".repeat(45_000)}`)).toHaveLength(100);
    expect(problemsOf("}".repeat(45_000))).toHaveLength(100);
    expect(problemsOf("[".repeat(45_000))).not.toHaveLength(0);
    expect(Error.stackTraceLimit).toBe(limit);
  });

  test("what a promoted version holds is read, however many its marks", () => {
    const inputs = many(
      3,
      (at) =>
        `  - { name: c_${at}, type: category, values: [${many(10_000, (n) => `"v${n}"`).join(",")}] }\n`,
    );
    expect(() => readManifest(withInputs(inputs))).toThrow("more values, lists and lines");
    expect(readManifest(withInputs(inputs), { promoted: true }).inputs).toHaveLength(3);
  });
});

describe("however large the file", () => {
  const keys = (count: number): string =>
    readChurnYaml() + Array.from({ length: count }, (_, at) => `key${at}: 1\n`).join("");
  const twice = (count: number): string => readChurnYaml() + "name: churn\n".repeat(count);
  const inputsWith = (count: number, line: string): string =>
    readChurnYaml().replace(/(?<=\ninputs:.*\n)/, line.repeat(count));
  const inputs = (count: number): string => inputsWith(count, "  - { x: 1 }\n");
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

  test("thousands of unknown keys take at most twice the steps of one that holds as many: a hundred are explained", () => {
    const entry = `{ name: x, type: boolean, ${Array.from({ length: 60 }, (_, at) => `k${at}: 1`).join(", ")} }`;
    const entries = `  - ${entry}\n`.repeat(80);
    const one = `${readChurnYaml()}more:\n${entries}`;
    const thousands = inputsWith(1, entries);
    countCalls(() => readManifest(one));
    expect(problemsOf(one)).toHaveLength(1);
    expect(problemsOf(thousands)).toHaveLength(100);
    expect(countCalls(() => readManifest(thousands))).toBeLessThan(2 * countCalls(() => readManifest(one)));
  });
});
