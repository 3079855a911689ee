import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { checkModel } from "#model-check/check-model.ts";
import { type Input, Prediction, type Row } from "#model-folder/manifest/manifest.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { withModelFiles } from "#test/support/with-model-files.ts";
import { draftModelFolder, type ModelFolderDraft } from "./draft-model-folder.ts";
import type { ModelSource } from "./model-source.ts";
import { formatScoredGuess } from "./scored-guess.ts";

const Case = z.object({
  target: z.union([z.string(), z.array(z.string())]),
  task: z.string(),
  labels: z.array(z.string()).optional(),
  predictions: z.array(Prediction.extend({ scores: Prediction.shape.scores.default({}) })).min(5),
});

const readFileOf = (name: string, file: string) =>
  readFile(join(import.meta.dirname, "..", "..", "test", "support", "onnx-exports", name, file));
const readCase = async (name: string) =>
  Case.parse(JSON.parse((await readFileOf(name, "case.json")).toString()));
const draft = async (name: string, changes: Partial<ModelSource> = {}) => {
  const { target } = await readCase(name);
  return await draftModelFolder({
    name,
    onnx: await readFileOf(name, "model.onnx"),
    csv: await readFileOf(name, "data.csv"),
    csvName: "data.csv",
    targets: [target].flat(),
    tokenizer: { bytes: await readFileOf(name, "tokenizer.json"), maxTokens: undefined },
    ignored: [],
    owner: undefined,
    approvers: [],
    policyApprovers: ["U024BE7LH"],
    ...changes,
  });
};

const toInputValue = (text: string, { type }: Input): Row[string] =>
  type === "integer" || type === "number" ? Number(text) : text;

describe("a text model's export is served without manual edits, and predicts like Python", () => {
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  beforeAll(async () => {
    folder = await createTemporaryFolder();
  });
  afterAll(() => folder.remove());

  /** Checks the folder, loads it, and predicts the table's first rows. */
  const predictFirstRows = async (name: string, { files }: ModelFolderDraft, count: number, place = name) => {
    if (files.get("golden.json")?.length) {
      const problems = await checkModel({ model: name, files });
      expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    }
    return withModelFiles(join(folder.path, place), files, async (model) => {
      const table = z
        .array(z.record(z.string(), z.string()))
        .parse(parse(await readFileOf(name, "data.csv"), { columns: true }));
      const rows = table
        .slice(0, count)
        .map((cells) =>
          Object.fromEntries(
            model.manifest.inputs.map((input) => [input.name, toInputValue(cells[input.name] ?? "", input)]),
          ),
        );
      return { manifest: model.manifest, predictions: await model.predict(rows) };
    });
  };

  test.for([
    ["bert-pairs", { pair: ["question", "passage"], maxTokens: 16 }],
    ["plain-pairs", { pair: ["question", "passage"], maxTokens: 256 }],
    ["bert-text-and-columns", { maxTokens: 32 }],
  ] as const)("%s", async ([name, tokenizer]) => {
    const expected = await readCase(name);
    const made = await draft(name);
    const { manifest, predictions } = await predictFirstRows(name, made, expected.predictions.length);
    expect(manifest).toMatchObject({
      task: "classification",
      tokenizer: { file: "tokenizer.json", ...tokenizer },
    });
    for (const [row, { label, scores }] of expected.predictions.entries()) {
      expect(predictions[row]?.label, `row ${row}`).toBe(label);
      for (const [key, score] of Object.entries(scores))
        expect(predictions[row]?.scores[key], `${key} of row ${row}`).toBeCloseTo(score, 5);
    }
  });

  test.for(["bert-entities", "plain-entities"])("%s", async (name) => {
    const expected = await readCase(name);
    const made = await draft(name, { options: { labels: expected.labels } });
    const { manifest, predictions } = await predictFirstRows(name, made, expected.predictions.length);
    expect(manifest).toMatchObject({
      task: "entities",
      output: { labels: expected.labels, scores: "logits", scheme: "BIO" },
    });
    const withoutScores = (all: readonly Prediction[]) =>
      all.map(({ entities }) => entities?.map(({ score: _score, ...rest }) => rest));
    expect(withoutScores(predictions)).toEqual(withoutScores(expected.predictions));
    for (const [row, { entities = [] }] of expected.predictions.entries())
      for (const [at, { score }] of entities.entries())
        expect(predictions[row]?.entities?.[at]?.score, `entity ${at} of row ${row}`).toBeCloseTo(score, 5);
  });

  test.for(["bert-embeddings", "plain-embeddings"])("%s, with each pooling", async (name) => {
    const expected = await readCase(name);
    const made = await draft(name);
    expect(made.files.has("holdout.csv")).toBe(false);
    for (const [kind, pooling] of [
      ["mean", "mean"],
      ["cls", "cls"],
      ["max", "max"],
      ["normalized", "mean"],
    ] as const) {
      const yaml = new TextDecoder()
        .decode(made.files.get("model.yaml"))
        .replace("\n  pooling: mean", `\n  pooling: ${pooling}`)
        .replace("\n  normalize: false", `\n  normalize: ${kind === "normalized"}`);
      const files = new Map([...made.files, ["model.yaml", new TextEncoder().encode(yaml)]]);
      const { predictions } = await predictFirstRows(
        name,
        // Golden vectors are those of the mean.
        { ...made, files: kind === "mean" ? files : new Map([...files, ["golden.json", new Uint8Array()]]) },
        expected.predictions.length,
        `${name}-${kind}`,
      );
      for (const [row, { tensors = {} }] of expected.predictions.entries()) {
        const vector = z.array(z.number()).parse(tensors[kind]);
        const actual = z.array(z.number()).parse(predictions[row]?.tensors?.embedding);
        expect(actual).toHaveLength(vector.length);
        for (const [at, value] of vector.entries())
          expect(Math.abs((actual[at] ?? Number.NaN) - value), `${kind} ${at} of row ${row}`).toBeLessThan(
            1e-5 * Math.max(1, Math.abs(value)),
          );
      }
    }
  });
});

describe("slipway new, for text models", () => {
  const yamlOf = ({ files }: ModelFolderDraft): string => new TextDecoder().decode(files.get("model.yaml"));

  test("takes the mean of the tokens' vectors as a guess that it shows, and needs no target", async () => {
    const { scoredGuesses, notes } = await draft("plain-embeddings");
    expect(scoredGuesses.map(({ subject }) => subject)).toEqual(["pooling", "normalize"]);
    expect(scoredGuesses.map(formatScoredGuess).join("\n")).toMatch(
      /pooling: mean, because .*--pooling cls or --pooling max/,
    );
    expect(notes).toContain("group is not used: an embedding has no truth.");
    const chosen = await draft("plain-embeddings", {
      targets: [],
      ignored: ["group"],
      options: { pooling: "cls" },
    });
    expect(chosen.scoredGuesses.map(({ subject }) => subject)).toEqual(["normalize"]);
    expect(yamlOf(chosen)).toContain("pooling: cls");
    await expect(draft("bert-pairs", { targets: [], ignored: ["entailed"] })).rejects.toThrow(
      "--target <column>",
    );
  });

  test("guesses the order of entity labels from those that exporters use, and says how well others fit", async () => {
    const made = await draft("bert-entities");
    expect(yamlOf(made)).toContain('labels: ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]');
    const [labels] = made.scoredGuesses;
    expect(labels).toMatchObject({ subject: "labels", isDoubtful: false });
    expect(labels?.choice).toMatch(/^O, B-PER, I-PER, B-LOC, I-LOC .*: word accuracy 1\.000$/);
    expect(labels?.alternative).toMatch(/sorted it would be 0\.\d+.* --labels/);
    expect(made.measured.map(({ words }) => words)).toEqual(["word accuracy", "entity F1"]);
    expect(made.doubt).toBeUndefined();
    // Another order that fits better is shown, never taken.
    const random = await draft("plain-entities");
    expect(random.scoredGuesses[0]).toMatchObject({
      subject: "labels",
      alternative: expect.stringContaining("these rows fit another order better"),
      isDoubtful: true,
    });
  });

  test("refuses tags that do not belong to the words, and labels that do not belong to the graph", async () => {
    const csv = new TextEncoder().encode("text,tags\nAnna met Peter,B-PER O\nin Berlin,O B-LOC\n");
    const entities = { csv, options: { task: "entities" as const } };
    await expect(draft("bert-entities", entities)).rejects.toThrow("2 tags for the 3 words");
    await expect(draft("bert-entities", { options: { labels: ["O", "B-PER"] } })).rejects.toThrow(
      "the graph scores 5 labels for each token, --labels has 2",
    );
    await expect(
      draft("bert-entities", { options: { labels: ["O", "B-PER", "I-PER", "B-X", "I-X"] } }),
    ).rejects.toThrow("the target has tags that --labels does not have: B-LOC, I-LOC");
  });

  test("skips texts of entities that are longer than the tokens that the model takes", async () => {
    const bytes = await readFileOf("bert-entities", "tokenizer.json");
    const made = await draft("bert-entities", { tokenizer: { bytes, maxTokens: 14 } });
    expect(made.notes.join("\n")).toMatch(/Skipped \d+ rows that the model refuses: has more than 14 tokens/);
    expect(await checkModel({ model: "bert-entities", files: made.files })).toEqual([]);
  });

  test("takes two texts as a pair, and no third column without an input for it", async () => {
    const { scoredGuesses } = await draft("plain-pairs");
    expect(scoredGuesses.find(({ subject }) => subject === "pair")).toMatchObject({
      choice: expect.stringMatching(
        /^question is the first text and passage the second, in the order of the CSV \(accuracy/,
      ),
      alternative: expect.stringMatching(/^with passage first it would be accuracy/),
    });
    const csv = new TextEncoder().encode("question,passage,more,entailed\na b,c d,e f,yes\na c,d,e g,no\n");
    await expect(draft("plain-pairs", { csv })).rejects.toThrow("or two that are a pair; the CSV has 3");
  });
});

test("check warns where texts that the manifest allows are longer than the model's table of positions", async () => {
  const read = async (maxTokens: number) => {
    const tokenizer = { bytes: await readFileOf("bert-embeddings", "tokenizer.json"), maxTokens };
    const { files } = await draft("bert-embeddings", { tokenizer });
    const manifest = Buffer.from(files.get("model.yaml") ?? []).toString("utf8");
    const longer = Buffer.from(manifest.replace(/maxLength: \d+/, "maxLength: 1000"));
    const problems = await checkModel({
      model: "bert-embeddings",
      files: new Map([...files, ["model.yaml", longer]]),
    });
    return problems.filter(({ path }) => path === "tokenizer.maxTokens");
  };
  expect(await read(64)).toEqual([]);
  expect(await read(256)).toMatchObject([
    {
      severity: "warning",
      message:
        "the model cannot predict a text of 252 words, although maxTokens is 256: such a request is refused (422)",
    },
  ]);
});

test("normalize and pooling are no guesses where options say them", async () => {
  const made = await draft("bert-embeddings", {
    options: { task: "embedding", pooling: "cls", normalize: true },
  });
  expect(made.scoredGuesses.map(({ subject }) => subject)).toEqual([]);
  expect(Buffer.from(made.files.get("model.yaml") ?? []).toString("utf8")).toMatch(
    /pooling: cls\n\s*normalize: true/,
  );
});

describe("--predicted takes what Python's libraries return", () => {
  const give = (rows: unknown) => ({ name: "python.json", bytes: Buffer.from(JSON.stringify(rows)) });

  test("the entities of transformers' pipeline, whose places count characters", async () => {
    const { labels, predictions } = await readCase("bert-entities");
    const texts = parse(await readFileOf("bert-entities", "data.csv"), { columns: true }).map(
      (row) => z.object({ text: z.string() }).parse(row).text,
    );
    const countCharacters = (text: string, units: number) => [...text.slice(0, units)].length;
    const rows = predictions.map(({ entities = [] }, at) =>
      entities.map(({ label, score, text, start, end }) => ({
        entity_group: label,
        score,
        word: text.toLowerCase(),
        start: countCharacters(texts[at] ?? "", start),
        end: countCharacters(texts[at] ?? "", end),
      })),
    );
    expect(rows[0]?.[0]?.start).not.toBe(predictions[0]?.entities?.[0]?.start);
    const options = { labels };
    const { agreement } = await draft("bert-entities", { options, predicted: give(rows) });
    expect(agreement).toContain("agree on all 20 compared rows");
    const moved = rows.map((row) => row.map((entity) => ({ ...entity, start: entity.start + 1 })));
    await expect(draft("bert-entities", { options, predicted: give(moved) })).rejects.toThrow();
  });

  test("vectors as lists of numbers", async () => {
    const { predictions } = await readCase("bert-embeddings");
    const rows = predictions.map(({ tensors = {} }) => tensors.mean);
    const options = { pooling: "mean" } as const;
    const { agreement } = await draft("bert-embeddings", { options, predicted: give(rows) });
    expect(agreement).toContain("agree on all 10 compared rows");
    const turned = predictions.map(({ tensors = {} }) => tensors.cls);
    await expect(draft("bert-embeddings", { options, predicted: give(turned) })).rejects.toThrow();
  });
});
