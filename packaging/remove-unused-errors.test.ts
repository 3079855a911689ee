import { expect, test } from "vitest";
import { removeUnusedErrors } from "./remove-unused-errors.ts";

test("an error that nobody names is not registered; one that is named, and the service's general one, are", () => {
  const lines = [
    "_s_registry.registerError(ToyServiceException$, ToyServiceException);",
    "n0_registry.registerError(NamedException$, NamedException);",
    "n0_registry.registerError(OtherException$, OtherException);",
  ];
  const left = removeUnusedErrors(lines.join("\n"), (name) => name === "NamedException");
  expect(left.split("\n").filter((line) => line !== "")).toEqual(lines.slice(0, 2));
});
