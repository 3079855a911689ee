import { expect, test } from "vitest";
import { ManifestInvalid } from "#model-folder/manifest/folder-problem.ts";
import { buildManifest } from "#test/support/onnx/churn-folder.ts";
import { parseHoldout } from "./parse-holdout.ts";

const manifest = buildManifest({
  task: "entities",
  inputs: [{ name: "text", type: "string", maxLength: 100 }],
  output: { labels: ["O", "B-PER", "I-PER"] },
  tokenizer: { maxTokens: 8 },
  gates: { latencyP95Ms: 50, imageSizeMb: 500, vulnerabilities: { critical: 0, high: 5 } },
});
const parse = (csv: string) => parseHoldout(Buffer.from(csv), manifest);
const findProblems = (csv: string): readonly string[] => {
  try {
    parse(csv);
    return [];
  } catch (error) {
    if (!(error instanceof ManifestInvalid)) throw error;
    return error.problems.map(({ line, path, message }) => `${line} ${path}: ${message}`);
  }
};

test("a tag for each word between white space becomes the entities among them", () => {
  expect(parse('text,label\n"Ann  Lee, ok",B-PER I-PER O\nno,O\n')).toMatchObject({
    task: "entities",
    rows: [{ text: "Ann  Lee, ok" }, { text: "no" }],
    texts: [
      {
        words: [
          { text: "Ann", start: 0, end: 3 },
          { text: "Lee,", start: 5, end: 9 },
          { text: "ok", start: 10, end: 12 },
        ],
        spans: [{ label: "PER", first: 0, last: 1 }],
      },
      { spans: [] },
    ],
  });
});

test("another number of tags, or a tag that the model does not have, is named with its line", () => {
  expect(findProblems("text,label\nAnn,B-PER\nAnn Lee,B-PER\n")).toEqual([
    "3 label: 1 tags for 2 words of text",
  ]);
  expect(findProblems("text,label\nAnn,B-LOC\n")).toEqual([
    '2 label: "B-LOC" is not one of the manifest\'s labels',
  ]);
});
