import { expect, test } from "vitest";
import { toExitCode } from "./exit-code.ts";
import { explainUnknownModel, findNearestName } from "./explain-unknown-model.ts";

const known = ["transit-time", "churn", "review-topic"];

test.each([
  ["chrun", "churn"],
  ["Churn", "churn"],
  ["transit-tim", "transit-time"],
  ["review-sentiment", undefined],
  ["fraud", undefined],
])("%s is near to %s", (name, nearest) => {
  expect(findNearestName(name, known)).toBe(nearest);
});

test("an unknown model is a usage error with the nearest name and all names", () => {
  const error = explainUnknownModel("chrun", known);
  expect(error.message).toBe("there is no model chrun. Did you mean churn?");
  expect(error.remedy).toBe("Models: churn, review-topic, transit-time.");
  expect(toExitCode(error)).toBe(2);
});

test("no name is guessed where none is near, and the first model is told how to begin", () => {
  expect(explainUnknownModel("fraud", known).message).toBe("there is no model fraud.");
  expect(explainUnknownModel("fraud", []).remedy).toMatch(/slipway new/);
});
