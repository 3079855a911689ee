import validate from "asl-validator";
import { describe, expect, test } from "vitest";
import { stepNames } from "#statemachine/delivery.ts";
import { stateContracts } from "#statemachine/state-contracts.ts";
import { definitionLints } from "#test/support/statemachine/definition-lints.ts";
import {
  type MachineDefinition,
  parseDefinition,
  type StateDefinition,
} from "#test/support/statemachine/parse-definition.ts";
import { readErrorNames } from "#test/support/statemachine/read-error-names.ts";
import { localDefinition } from "#worlds/embedded/engine/engine.ts";
import { DeliveryInput, VerifyModelOutput } from "./contracts.ts";
import { remedies } from "./remedies.ts";

const machine = parseDefinition(localDefinition);
const known = {
  input: DeliveryInput,
  contracts: stateContracts,
  // The contracts say only in a comment that these are set after the Choice.
  guards: {
    "$.VerifyStage.error": "IsVerified",
    "$.JudgeCanary.error": "IsCanarySound",
    "$.ResumeCanary.error": "IsCanaryResumed",
    "$.error": "HasFailed",
  },
};

/** The definition with other states; undefined removes a state, or one of its fields. */
const replaceStates = (states: Record<string, StateDefinition>): MachineDefinition => ({
  ...machine,
  States: { ...machine.States, ...states },
});
const changeState = (
  name: string,
  change: (state: StateDefinition) => Partial<StateDefinition>,
): MachineDefinition => {
  const found = machine.States[name];
  if (!found) throw new Error(`no state ${name}`);
  // Through JSON, which omits undefined.
  return replaceStates({
    [name]: JSON.parse(JSON.stringify({ ...found, ...change(found) })) as StateDefinition,
  });
};

test("asl-validator accepts the definition and refuses a broken one", () => {
  const { isValid, errorsText } = validate(localDefinition);
  expect(isValid, errorsText()).toBe(true);
  expect(validate(changeState("BuildImage", () => ({ Next: "Nowhere" }))).isValid).toBe(false);
});

test("the definition is far below the service's limit of 1 MB", () =>
  expect(JSON.stringify(localDefinition).length).toBeLessThan(100_000));

describe("the definition keeps our own rules, each of which can fail", () => {
  test.each(Object.keys(definitionLints))("%s", (name) =>
    expect(definitionLints[name]?.(machine, known)).toEqual([]),
  );

  const pass = (more: object = {}): StateDefinition => ({
    Type: "Pass",
    Result: undefined,
    Next: "ReportOutcome",
    ...more,
  });
  test.each<[string, string, MachineDefinition]>([
    [
      "every Task has a time-out",
      "ScanImage",
      changeState("ScanImage", () => ({ TimeoutSeconds: undefined })),
    ],
    ["every Task has a Retry", "RollBack", changeState("RollBack", () => ({ Retry: [] }))],
    [
      "every Task catches all, last and alone",
      "MoveChampion",
      changeState("MoveChampion", () => ({ Catch: undefined })),
    ],
    [
      "every Task catches all, last and alone",
      "ClaimProd",
      changeState("ClaimProd", (it) => ({ Catch: it.Catch?.toReversed() })),
    ],
    [
      "every Task catches all, last and alone",
      "RollBack",
      changeState("RollBack", (it) => ({
        Catch: it.Catch?.map((one) => ({ ...one, ErrorEquals: [...one.ErrorEquals, "Superseded"] })),
      })),
    ],
    [
      "a caught fault is written beside the data",
      "RollBack",
      changeState("RollBack", (it) => ({ Catch: it.Catch?.map(({ ResultPath: _, ...one }) => one) })),
    ],
    [
      "states stay within what every engine runs",
      "Bake is a Map",
      changeState("Bake", () => ({ Type: "Map" })),
    ],
    [
      "a path stands under a key that ends in .$",
      "RegisterModel has fence",
      changeState("RegisterModel", () => ({ Parameters: { fence: "$.ClaimStage.fence" } })),
    ],
    [
      "a path stands under a key that ends in .$",
      "RegisterModel has deep.$",
      changeState("RegisterModel", () => ({ Parameters: { within: [{ "deep.$": "text" }] } })),
    ],
    ["every Choice has a Default", "IsNew", changeState("IsNew", () => ({ Default: undefined }))],
    [
      "no Choice goes forward by default",
      "IsApproved goes on to ClaimProd",
      changeState("IsApproved", () => ({ Default: "ClaimProd" })),
    ],
    [
      "no Choice goes forward by default",
      "NeedsCanary goes on to PromoteModel",
      changeState("NeedsCanary", () => ({ Default: "PromoteModel" })),
    ],
    [
      "no Choice goes forward by default",
      "HasFailed goes on to Delivered",
      changeState("HasFailed", () => ({ Default: "Delivered" })),
    ],
    ["every state can be reached", "Lonely is never entered", replaceStates({ Lonely: pass() })],
    [
      "every way ends in Succeed or Fail",
      "Round comes to no",
      replaceStates({ Round: pass({ Next: "Round" }), Unchanged: pass({ Next: "Round" }) }),
    ],
    ["every way ends in Succeed or Fail", "Unchanged", changeState("Unchanged", () => ({ End: true }))],
    ["a loop takes a minute or more", "ScanImage", changeState("AwaitScan", () => ({ Seconds: 59 }))],
    ["a loop takes a minute or more", "ClaimProd", changeState("AwaitProd", () => ({ Seconds: 1 }))],
    ["no wait overflows a timer", "AwaitProd", changeState("AwaitProd", () => ({ Seconds: 2_147_484 }))],
    ["no wait overflows a timer", "Bake", changeState("Bake", () => ({ SecondsPath: "$.ClaimStage.fence" }))],
    [
      "a Task's Parameters are its contract's fields",
      "RegisterModel gives other",
      changeState("RegisterModel", (it) => ({ Parameters: { ...it.Parameters, other: 1 } })),
    ],
    [
      "a Task's Parameters are its contract's fields",
      "RegisterModel does not give fence",
      changeState("RegisterModel", ({ Parameters: { "fence.$": _, ...rest } = {} }) => ({
        Parameters: rest,
      })),
    ],
    [
      "a Task's Parameters are its contract's fields",
      "RequestApproval does not give delivery",
      changeState("RequestApproval", () => ({ Parameters: { Payload: {} } })),
    ],
    [
      "a Task's result lies at its name",
      "RollBack",
      changeState("RollBack", () => ({ ResultPath: "$.error" })),
    ],
  ])("%s: else %s", (lint, problem, faulty) => {
    expect(definitionLints[lint]?.(faulty, known).join("\n")).toContain(problem);
  });

  test.each<[string, MachineDefinition]>([
    [
      "MoveChampion reads $.nobody",
      changeState("MoveChampion", () => ({ Parameters: { "x.$": "$.nobody" } })),
    ],
    [
      // A way around DeployProd: its output exists only on the other way.
      "PromoteModel reads $.DeployProd.functionVersion",
      changeState("IsProdClaimed", () => ({ Default: "PromoteModel" })),
    ],
    [
      // Busy has no fence: only the Choice keeps it away.
      "DeployProd reads $.ClaimProd.fence",
      changeState("IsProdClaimed", (it) => ({
        Choices: it.Choices?.map((rule) => ({ ...rule, Next: "DeployProd" })),
      })),
    ],
    [
      "RegisterModel reads $.BuildImage.digest",
      changeState("RegisterModel", () => ({ Parameters: { "digest.$": "$.BuildImage.digest" } })),
    ],
    [
      // The caught error is stored elsewhere, so that the rollback's own error is not reported.
      "RollBackFailed reads $.rollbackError.Cause",
      changeState("RollBack", () => ({
        Catch: [{ ErrorEquals: ["States.ALL"], Next: "RollBackFailed", ResultPath: "$.x" }],
      })),
    ],
    [
      "IsNew reads $.BuildImage.status",
      changeState("IsNew", (it) => ({
        Choices: it.Choices?.map((rule) => ({ ...rule, Variable: "$.BuildImage.status" })),
      })),
    ],
    [
      "GateMissed reads $.VerifyStage.error.name, which lies in something that may be null",
      changeState("VerifyStage", () => ({ Next: "GateMissed" })),
    ],
  ])("every path read is written on every way: else %s", (problem, faulty) => {
    expect(definitionLints["every path read is written on every way"]?.(faulty, known).join("\n")).toContain(
      problem,
    );
  });
});

describe("every error that a delivery can end with has a remedy", () => {
  // Not errors to a person: an outcome, and ways back to VerifyStage and ClaimProd. Catches before States.ALL handle them.
  const outcomes = ["Superseded", "ProdChanged", "ProdClosed"];
  // Thrown outside the machine: after a person's click, and by readers of CSV, whose callers report a problem.
  const outside = [
    "TaskGone",
    "CsvBroken",
    // Keys of blobs consist of digests and commits, which the contracts have checked before.
    "BlobKeyRefused",
    // A message that cannot be written: the delivery goes on, and the next change or the sweep writes it.
    "MessageRefused",
    "MessageUnconfirmed",
    "MessageGone",
  ];

  test("the steps throw no other", () => {
    const raised = readErrorNames();
    expect(raised).toContain("GoldenVectorsDiffer");
    const unknown = [...raised].filter(
      (name) => ![...Object.keys(remedies), ...outcomes, ...outside].includes(name),
    );
    expect(unknown).toEqual([]);
  });
  test("the functions on AWS throw no other", () => {
    const handlers = stepNames.map((name) => new URL(`../lambdas/${name}/handler.ts`, import.meta.url));
    const raised = readErrorNames(handlers);
    expect(raised).toContain("RoleNotAssumed");
    const unknown = [...raised].filter(
      (name) => ![...Object.keys(remedies), ...outcomes, ...outside].includes(name),
    );
    expect(unknown).toEqual([]);
  });
  test("the gates and the canary raise no other", () => {
    const error = VerifyModelOutput.shape.error.unwrap().shape.name.options;
    for (const name of [...error, "CanaryFailed"]) expect(Object.keys(remedies)).toContain(name);
  });
  test("the engine raises no other, and its own names are not raised again unchanged", () => {
    for (const name of ["Timeout", "TaskFailed", "Permissions", "Runtime"])
      expect(Object.keys(remedies)).toContain(`Engine.${name}`);
  });
});
