import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countCalls } from "#test/support/count-calls.ts";
import { readChurnYaml } from "#test/support/onnx/churn-folder.ts";
import { ManifestInvalid } from "./folder-problem.ts";
import { readManifest } from "./read-manifest.ts";

const readProblems = (text: string) => {
  try {
    readManifest(text);
  } catch (error) {
    if (error instanceof ManifestInvalid) return error.problems;
    throw error;
  }
  return [];
};
/** Churn's manifest with one replacement, and the line of the replaced text. */
const changeManifest = (from: string, to: string) => {
  const text = readChurnYaml();
  const offset = text.indexOf(from);
  if (offset < 0) throw new Error(`churn's manifest does not contain ${from}`);
  return { text: text.replace(from, () => to), line: text.slice(0, offset).split("\n").length };
};

describe("readManifest", () => {
  test("reads churn's manifest", () => {
    expect(readManifest(readChurnYaml())).toMatchObject({ name: "churn", task: "classification" });
  });

  test.each([
    ["a missing field", "owner: data-science@example.com\n", "", "owner", /owner is missing/, /Add owner/],
    ["an unknown field", "owner:", "ownr:", "ownr", /unknown field/, /Did you mean owner\?/],
    [
      "an unknown field of an input",
      "{ name: tenure, type",
      "{ nme: tenure, type",
      "inputs[4].nme",
      /unknown field/,
      /Did you mean name/,
    ],
    [
      "an unknown field that resembles no other",
      "owner:",
      "colour: red\nowner:",
      "colour",
      /unknown field/,
      /Remove it; the fields here are name/,
    ],
    ["a wrong type", "max: 120", "max: many", "inputs[4].max", /type/, /Change the value/],
    [
      "an unknown kind of input",
      "{ name: tenure, type: integer,",
      "{ name: tenure, type: int,",
      "inputs[4].type",
      /allowed kind/,
      /integer, number/,
    ],
    [
      "an unknown task",
      "task: classification",
      "task: forecasting",
      "task",
      /allowed kind/,
      /classification, regression, multilabel.* or tensors/,
    ],
    [
      "a value that is not allowed",
      "onInconclusive: extend",
      "onInconclusive: wait",
      "canary.onInconclusive",
      /not an allowed value/,
      /extend or ask or roll-back/,
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
    [
      "an address without a hash",
      "artifact: model.onnx",
      "artifact: { uri: 's3://models/churn.onnx' }",
      "artifact.sha256",
      /sha256 is missing/,
      /Add sha256/,
    ],
    [
      "an address that is not allowed in any repository",
      "artifact: model.onnx",
      `artifact: { uri: "http://models/churn.onnx", sha256: ${"0a".repeat(32)} }`,
      "artifact.uri",
      /https:/,
      /Change/,
    ],
    [
      "an unknown field of an address",
      "artifact: model.onnx",
      `artifact: { url: "s3://models/churn.onnx", sha256: ${"0a".repeat(32)} }`,
      "artifact.url",
      /unknown field/,
      /Did you mean uri/,
    ],
    ["an invalid duration", "PT24H", "1 day", "approval.timeout", /ISO 8601/, /Change/],
    [
      "an unknown positive label",
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
      /duplicate key/,
      /Keep one/,
    ],
    ["broken YAML", "steps: [10, 50]", "steps: [10, 50", "", /./, /Correct the YAML/],
  ])("%s is reported with its line and a remedy", (_, from, to, path, message, remedy) => {
    const { text, line } = changeManifest(from, to);
    const problems = readProblems(text);
    const problem = problems.find((each) => each.path === path && message.test(each.message));
    expect(problem, JSON.stringify(problems)).toMatchObject({ file: "model.yaml", severity: "error" });
    expect(problem?.remedy).toMatch(remedy);
    // A missing field gets the line of its parent; every other problem has its own line.
    if (to === "") expect(problem?.line).toBeGreaterThan(0);
    else if (to.includes("\n") && path === "") expect(problem?.line).toBe(line);
    else if (!/Correct/.test(problem?.remedy ?? "")) expect(problem?.line).toBe(line);
  });

  test("all mistakes are reported at once, in line order", () => {
    const text = readChurnYaml()
      .replace("max: 120", "max: many")
      .replace("PT24H", "soon")
      .replace("owner:", "ownr:");
    const lines = readProblems(text).map(({ line }) => line ?? 0);
    expect(lines.length).toBeGreaterThanOrEqual(4);
    expect(lines).toEqual([...lines].sort((a, b) => a - b));
  });

  test("more than 50 anchors and aliases are refused at the first that exceeds the limit", () => {
    const pairs = (count: number) => `${readChurnYaml()}more: [${"&a a, *a, ".repeat(count)}]`;
    const line = readChurnYaml().split("\n").length;
    expect(readProblems(pairs(26))).toMatchObject([
      { line, message: "more than 50 anchors and aliases", remedy: "Write the values without aliases." },
    ]);
    expect(readProblems(pairs(25))).toMatchObject([{ path: "more", message: "unknown field" }]);
    expect(readProblems(`[${"&a a,".repeat(5_000)}]`)[0]?.message).toMatch(/^more than 50 anchors/);
  });

  test("a list or a mapping as a key is refused", () => {
    expect(readProblems(`${readChurnYaml()}[a, b]: 1\n`)[0]?.message).toBe("a list or a mapping as a key");
  });

  test("a second document is refused, with the line where it begins", () => {
    const text = readChurnYaml();
    expect(readProblems(`${text}---\n${text}`)).toMatchObject([
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
    expect(readProblems(levels.join("\n"))[0]?.message).toMatch(/alias/i);
  });

  test("more than 256 KB is refused without being parsed", () => {
    expect(readProblems(`# ${"x".repeat(300_000)}`)[0]?.message).toMatch(/larger than 256 KB/);
  });

  test("deeply nested brackets are a problem and overflow no stack", () => {
    expect(readProblems("[".repeat(100_000)).length).toBeGreaterThan(0);
    expect(readProblems(`${"[".repeat(3_000)}${"]".repeat(3_000)}`).length).toBeGreaterThan(0);
  });

  test("any text gives a manifest or ManifestInvalid", () => {
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
        for (const { line, remedy } of readProblems(text)) {
          expect(line).toBeGreaterThan(0);
          expect(remedy).not.toBe("");
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("the cost check before parsing", () => {
  const withInputs = (inputs: readonly string[]): string =>
    readChurnYaml().replace(/(?<=\ninputs:.*\n)([ #].*\n)+/, () => inputs.join(""));
  const listOf = (count: number, write: (at: number) => string) =>
    Array.from({ length: count }, (_, at) => write(at));

  test.each([
    [
      "2,000 inputs with each of their fields, on a line each",
      listOf(
        2_000,
        (at) => `  - { name: "c_${at}", type: number, min: -10.5, max: 123456.5, required: false }\n`,
      ),
      2_000,
    ],
    [
      "2,000 inputs with each of their fields, on lines of their own",
      listOf(
        2_000,
        (at) => `  - name: c_${at}\n    type: number\n    min: -10.5\n    max: 12.5\n    required: false\n`,
      ),
      2_000,
    ],
    [
      "two inputs of 10,000 quoted values each",
      listOf(
        2,
        (at) =>
          `  - { name: c_${at}, type: category, values: [${listOf(10_000, (n) => `"v${n}"`).join(",")}] }\n`,
      ),
      2,
    ],
  ])("accepts %s", (_, inputs, count) => {
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
  ])("refuses 256 KB of %j, at a position inside the file", (piece) => {
    const text = piece.repeat(Math.floor((256 * 1_024) / piece.length));
    const [problem, ...others] = readProblems(text);
    expect(problem?.message).toBe("too many values, lists and lines");
    expect(problem?.line).toBeLessThanOrEqual(text.split("\n").length);
    expect(others).toEqual([]);
  });

  test("reports 100 of thousands of mistakes, and errors have stacks again afterwards", () => {
    const limit = Error.stackTraceLimit;
    expect(readProblems(`[${",".repeat(45_000)}`)).toHaveLength(100);
    expect(readProblems("}".repeat(45_000))).toHaveLength(100);
    expect(readProblems("[".repeat(45_000))).not.toHaveLength(0);
    expect(Error.stackTraceLimit).toBe(limit);
  });

  test("does not apply to a promoted version", () => {
    const inputs = listOf(
      3,
      (at) =>
        `  - { name: c_${at}, type: category, values: [${listOf(10_000, (n) => `"v${n}"`).join(",")}] }\n`,
    );
    expect(() => readManifest(withInputs(inputs))).toThrow("too many values, lists and lines");
    expect(readManifest(withInputs(inputs), { promoted: true }).inputs).toHaveLength(3);
  });
});

describe("the cost of a large file", () => {
  const keys = (count: number): string =>
    readChurnYaml() + Array.from({ length: count }, (_, at) => `key${at}: 1\n`).join("");
  const twice = (count: number): string => readChurnYaml() + "name: churn\n".repeat(count);
  const inputsWith = (count: number, line: string): string =>
    readChurnYaml().replace(/(?<=\ninputs:.*\n)/, line.repeat(count));
  const inputs = (count: number): string => inputsWith(count, "  - { x: 1 }\n");
  test.each([
    ["unknown keys", keys],
    ["duplicate keys", twice],
    ["broken inputs", inputs],
  ])("is linear in the number of %s", (_, text) => {
    // The first call loads modules, which must not count.
    countCalls(() => readManifest(text(500)));
    const few = countCalls(() => readManifest(text(4_000)));
    const listOf = countCalls(() => readManifest(text(8_000)));
    expect(listOf).toBeLessThan(2.5 * few);
  });

  test("stays low with thousands of unknown keys, because only 100 are explained", () => {
    const entry = `{ name: x, type: boolean, ${Array.from({ length: 60 }, (_, at) => `k${at}: 1`).join(", ")} }`;
    const entries = `  - ${entry}\n`.repeat(80);
    const one = `${readChurnYaml()}more:\n${entries}`;
    const thousands = inputsWith(1, entries);
    countCalls(() => readManifest(one));
    expect(readProblems(one)).toHaveLength(1);
    expect(readProblems(thousands)).toHaveLength(100);
    expect(countCalls(() => readManifest(thousands))).toBeLessThan(2 * countCalls(() => readManifest(one)));
  });
});
