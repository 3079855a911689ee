import { expect, test } from "vitest";
import { removeUnusedErrors } from "./remove-unused-errors.ts";

test("only named errors and the service's general error stay registered", () => {
  const lines = [
    "_s_registry.registerError(ToyServiceException$, ToyServiceException);",
    "n0_registry.registerError(NamedException$, NamedException);",
    "n0_registry.registerError(OtherException$, OtherException);",
  ];
  const result = removeUnusedErrors(lines.join("\n"), (name) => name === "NamedException");
  expect(result.split("\n").filter((line) => line !== "")).toEqual(lines.slice(0, 2));
});
