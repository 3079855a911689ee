/** The committed models that churn's tests do not cover: other tasks, inputs and graphs. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { Golden, Prediction } from "#model-folder/manifest/manifest.ts";
import { findGoldenDifferences } from "#model-folder/rows/compare-golden.ts";
import { createFixture, repositoryRoot } from "./fixture.ts";
import { startRehearsalProcess } from "./rehearsal-process.ts";

const minutes = 60_000;
const PredictResponse = z.object({
  model: z.string(),
  version: z.coerce.number(),
  predictions: z.array(Prediction),
});

test.each([
  ["transit-time", "a regression whose graph takes one matrix"],
  ["review-topic", "a text that the graph splits into words"],
  ["review-sentiment", "a text with a tokenizer, in an encoder of 23 MB"],
])(
  "%s (%s) is delivered, and prod predicts its golden rows as at training",
  async (model) => {
    const fixture = await createFixture();
    try {
      // Few requests: an encoder's prediction takes milliseconds of a core, not microseconds.
      const args = ["--approve", "--model", model, "--port", "0", "--bake", "300ms", "--traffic", "20"];
      await using rehearsal = startRehearsalProcess(fixture, { args });
      const { url } = await rehearsal.waitFor("serving", (event) => event.environment === "prod");
      const golden = Golden.parse(
        JSON.parse(readFileSync(join(repositoryRoot, "models", model, "golden.json"), "utf8")),
      );
      const response = await fetch(`${url}/v1/predict`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ rows: golden.rows }),
        signal: AbortSignal.timeout(minutes),
      });
      const text = await response.text();
      expect(response.status, text).toBe(200);
      const prediction = PredictResponse.parse(JSON.parse(text));
      expect(prediction).toMatchObject({ model, version: 1 });
      expect(findGoldenDifferences(golden, prediction.predictions)).toEqual([]);
      const first = await rehearsal.waitFor("outcome");
      expect(first.outcome, rehearsal.describe()).toBe("promoted");
    } finally {
      await fixture.remove();
    }
  },
  5 * minutes,
);
