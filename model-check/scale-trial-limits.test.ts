import { expect, test } from "vitest";
import { defaultTrialLimits } from "./run-limited-process.ts";
import { scaleTrialLimits } from "./scale-trial-limits.ts";

test("a small artefact has the limits of the documents", () => {
  expect(scaleTrialLimits(1_000_000)).toEqual({ ...defaultTrialLimits, readSeconds: 10 });
});

test("the largest artefact gets the time to be read and run, and three times its size in memory", () => {
  expect(scaleTrialLimits(2_000_000_000)).toEqual({ seconds: 125, residentMb: 6_236, readSeconds: 48 });
});
