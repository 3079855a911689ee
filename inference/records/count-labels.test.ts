import { expect, test } from "vitest";
import { countLabels } from "./count-labels.ts";

test("each label of a row counts once; a row with several counts for all of them, a row with none for none", () => {
  const scores = {};
  expect(
    countLabels([
      { label: "a", scores },
      { label: "a", scores },
      { value: 1, scores },
    ]),
  ).toEqual(new Map([["a", 2]]));
  expect(
    countLabels([
      { labels: ["a", "b"], scores },
      { labels: [], scores },
      { labels: ["b"], scores },
    ]),
  ).toEqual(
    new Map([
      ["a", 1],
      ["b", 2],
    ]),
  );
});
