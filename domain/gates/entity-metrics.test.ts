import { describe, expect, test } from "vitest";
import type { Prediction } from "#model-folder/manifest/manifest.ts";
import { groupTags } from "#model-folder/rows/group-tags.ts";
import { splitWords } from "#model-folder/rows/split-words.ts";
import { createEntityMetrics } from "./entity-metrics.ts";
import { listEntitySpans } from "./list-entity-spans.ts";

const bio = { scheme: "BIO", outside: "O" } as const;
const truth = (text: string, tags: string) => ({
  words: splitWords(text),
  spans: groupTags(tags.split(" "), bio),
});
/** Entities as `label:text`, at the text's first place. */
const predict = (text: string, ...entities: string[]): Prediction => ({
  scores: {},
  entities: entities.map((entity) => {
    const [label = "", part = ""] = entity.split(":");
    const start = text.indexOf(part);
    return { label, score: 1, text: part, start, end: start + part.length };
  }),
});

describe("entities as spans of words", () => {
  test("tags are joined as conlleval does", () => {
    const spans = groupTags("B-PER I-PER B-PER O I-LOC I-ORG B-ORG".split(" "), bio);
    expect(spans.map(({ label, first, last }) => `${label} ${first}-${last}`)).toEqual([
      "PER 0-1",
      "PER 2-2",
      "LOC 4-4",
      "ORG 5-5",
      "ORG 6-6",
    ]);
  });

  test("a word has the label of the entity in which it begins; punctuation belongs to its word", () => {
    const text = "Ann Lee, from\u00a0Rome.";
    const words = splitWords(text);
    expect(words.map(({ text }) => text)).toEqual(["Ann", "Lee,", "from", "Rome."]);
    const { entities = [] } = predict(text, "PER:Ann Lee", "LOC:Rome");
    expect(listEntitySpans(words, entities)).toEqual([
      { label: "PER", first: 0, last: 1 },
      { label: "LOC", first: 3, last: 3 },
    ]);
    // What begins inside of a word is no word's.
    expect(listEntitySpans(words, predict(text, "LOC:ome").entities ?? [])).toEqual([]);
  });
});

describe("word accuracy and entity F1", () => {
  const texts = ["Ann Lee saw Rome", "Bo was slow", "in Paris and Rome"];
  const rows = [
    truth("Ann Lee saw Rome", "B-PER I-PER O B-LOC"),
    truth("Bo was slow", "B-PER O O"),
    truth("in Paris and Rome", "O B-LOC O B-LOC"),
  ];
  const [first = "", second = "", third = ""] = texts;
  const perfect = [
    predict(first, "PER:Ann Lee", "LOC:Rome"),
    predict(second, "PER:Bo"),
    predict(third, "LOC:Paris", "LOC:Rome"),
  ];
  const weak = [
    // Half of a name is wrong as an entity; its second word has the wrong tag.
    predict(first, "PER:Ann", "LOC:Rome"),
    predict(second, "LOC:Bo"),
    predict(third, "LOC:Paris", "LOC:Rome", "PER:and"),
  ];
  const [accuracy, f1] = createEntityMetrics(rows);

  test("are those of seqeval", () => {
    // 5 entities, 6 predicted, 3 right: precision 1/2, recall 3/5. 8 of 11 words have the right tag.
    expect(f1?.measure(weak)).toMatchObject({ estimate: (2 * 3) / (5 + 6) });
    expect(accuracy?.measure(weak)).toMatchObject({ estimate: 8 / 11 });
    for (const metric of [accuracy, f1]) {
      expect(metric?.measure(perfect)).toMatchObject({ estimate: 1, high: 1 });
      const interval = metric?.measure(weak);
      if (typeof interval !== "object") throw new TypeError("no interval");
      expect(interval.low).toBeLessThan(interval.estimate);
      expect(interval.high).toBeGreaterThan(interval.estimate);
    }
  });

  test("few right rows prove little, and a better challenger gains", () => {
    expect(f1?.measure(perfect)).toHaveProperty("low", expect.closeTo(0.438, 2));
    expect(f1?.gain(weak, perfect)).toMatchObject({ estimate: 1 - 6 / 11 });
    expect(f1?.gain(perfect, perfect)).toMatchObject({ estimate: 0 });
  });

  test("without an entity in the truth F1 is not measurable", () => {
    const [, none] = createEntityMetrics([truth("a b", "O O")]);
    expect(none?.measure([predict("a b")])).toBe("no holdout row has an entity");
  });
});
