import { expect, test } from "vitest";
import { parseCaughtError } from "./parse-caught-error.ts";

const build = (variables: Record<string, string>, rest: object = {}) =>
  JSON.stringify({
    ...rest,
    ExportedEnvironmentVariables: Object.entries(variables).map(([Name, Value]) => ({ Name, Value })),
  });
const lambda = (errorMessage: string) => JSON.stringify({ errorType: "X", errorMessage, trace: [] });

test.each<[string, { Error: string; Cause: string }, { name: string; cause: string }]>([
  [
    "the error of a step keeps its name",
    { Error: "ProdBusy", Cause: lambda("6 h") },
    { name: "ProdBusy", cause: "6 h" },
  ],
  [
    "a plain text cause stays as it is",
    { Error: "GateFailed", Cause: "auc" },
    { name: "GateFailed", cause: "auc" },
  ],
  [
    "a failed build returns the error of its check",
    {
      Error: "States.TaskFailed",
      Cause: build({ SLIPWAY_ERROR: "ManifestInvalid", SLIPWAY_CAUSE: "line 3" }),
    },
    { name: "ManifestInvalid", cause: "line 3" },
  ],
  [
    "a build that failed without a check's error is an ImageBuildFailed",
    { Error: "States.TaskFailed", Cause: build({}, { Id: "slipway:1", BuildStatus: "TIMED_OUT" }) },
    { name: "ImageBuildFailed", cause: "build slipway:1 ended as TIMED_OUT" },
  ],
  [
    "empty variables of a build are ignored",
    { Error: "States.TaskFailed", Cause: build({ SLIPWAY_ERROR: "", SLIPWAY_CAUSE: "" }) },
    { name: "ImageBuildFailed", cause: "build ? ended as failed" },
  ],
  [
    "the engine's own names become names that a Fail state may raise",
    { Error: "States.Timeout", Cause: "" },
    { name: "Engine.Timeout", cause: "" },
  ],
  ["other JSON stays as it is", { Error: "X", Cause: "[1]" }, { name: "X", cause: "[1]" }],
])("%s", (_, caught, error) => expect(parseCaughtError(caught)).toEqual(error));
