import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { authorizationPages } from "../test/infrastructure/iam-requests.ts";
import { proveLeastPrivilege, toAccessRequest } from "../test/infrastructure/prove-least-privilege.ts";
import { type RecordedRequest, readRecording } from "../test/infrastructure/recorded-requests.ts";
import { listServiceAccess } from "../test/infrastructure/service-access.ts";
import { synthRecordedStacks } from "../test/infrastructure/synth-recorded-stacks.ts";
import type { SynthesizedStacks } from "../test/infrastructure/synth-stacks.ts";
import { listDeployedFunctions } from "./deployed-functions.ts";

let synthesized: SynthesizedStacks;
let recorded: readonly RecordedRequest[];
let proven: ReturnType<typeof proveLeastPrivilege>;
beforeAll(async () => {
  synthesized = await synthRecordedStacks();
  recorded = await readRecording();
  proven = proveLeastPrivilege(synthesized, recorded);
});
afterAll(() => synthesized?.remove());

const describeCall = ({
  principal,
  action,
  resource,
  context,
}: Parameters<typeof proven.inForce.allows>[0]) =>
  `${principal}: ${action} on ${resource} ${JSON.stringify(context)}`;

/** Known gaps in the simulator's lists. */
const knownGaps = [
  // Its data lacks the resources of API Gateway's management API.
  (action: string) => action.startsWith("apigateway:"),
  // It does not support the variable name in kms:EncryptionContext:${name}.
  (_: string, complaint: string) => complaint.includes("kms:EncryptionContext:"),
];

describe("the recorded calls of the functions' bundles", () => {
  test("cover every function", async () => {
    const names = new Set(recorded.map((request) => request.function.split("@")[0]));
    const functions = await listDeployedFunctions();
    for (const { name } of functions) expect(names).toContain(name);
    expect(names).toContain("predict");
  });

  test("match AWS's service authorization pages: action, resource type, condition keys", async () => {
    for (const page of Object.values(authorizationPages))
      expect(page).toMatch(/^https:\/\/docs\.aws\.amazon\.com\/service-authorization\//);
    const complaints: string[] = [];
    for (const request of recorded) {
      const complaint = await proven.inForce.complaint(toAccessRequest(request));
      if (complaint !== undefined && !knownGaps.some((isKnown) => isKnown(request.action, complaint)))
        complaints.push(`${describeCall(toAccessRequest(request))}: ${complaint}`);
    }
    expect(complaints).toEqual([]);
  });

  test("are allowed by the roles' policies and by the resources' policies", () => {
    expect(recorded.length).toBeGreaterThan(300);
    expect(
      recorded
        .map(toAccessRequest)
        .filter((request) => !proven.inForce.allows(request))
        .map(describeCall),
    ).toEqual([]);
  });
});

describe("what only AWS itself calls", () => {
  test("is allowed, with a reference to AWS's page", () => {
    for (const { page, asks, side, why } of listServiceAccess(synthesized)) {
      expect(page).toMatch(/^https:\/\/docs\.aws\.amazon\.com\//);
      expect(asks.length, why).toBeGreaterThan(0);
      expect(
        asks
          .filter((request) => !proven.inForce.allows(request, side))
          .map((request) => `${why}: ${describeCall(request)}`),
      ).toEqual([]);
    }
  });
});

describe("everything else", () => {
  test("that other functions do is denied", () => {
    expect(proven.ofOthers.length).toBeGreaterThan(500);
    expect(
      proven.ofOthers
        .filter(({ ask, side }) => proven.inForce.allows(ask, side))
        .map(({ ask }) => describeCall(ask)),
    ).toEqual([]);
  });

  test("with another resource, caller or condition, or without TLS, is denied", () => {
    expect(proven.beside.length).toBeGreaterThan(1_000);
    expect(
      proven.beside
        .filter(({ ask, side }) => proven.inForce.allows(ask, side))
        .map(({ ask }) => describeCall(ask)),
    ).toEqual([]);
  });
});

test("only the four functions that complete a task can decrypt its token", () => {
  const sample = recorded.find(
    ({ action, context }) => action === "kms:Decrypt" && Object.values(context).includes("task-token"),
  );
  if (!sample) throw new Error("no decryption of a task token is recorded");
  const mayDecrypt = (request: RecordedRequest) =>
    proven.inForce.allows(toAccessRequest({ ...sample, role: request.role }));
  const functionsWithAccess = new Set(recorded.filter(mayDecrypt).map((request) => request.function));
  expect([...functionsWithAccess].sort()).toEqual([
    "answer-approval",
    "claim-environment",
    "request-approval",
    "sweep-deliveries",
  ]);
});

test("a test fails for every removed or widened part of a policy", () => {
  const counts = Map.groupBy(proven.mutations, ({ kind }) => kind);
  console.info(
    `policies: ${proven.mutations.length} mutations (${[...counts].map(([kind, all]) => `${all.length} × ${kind}`).join(", ")}), ${recorded.length} recorded calls, ${proven.ofOthers.length} of other functions and ${proven.beside.length} variations denied`,
  );
  expect(proven.mutations.length).toBeGreaterThan(1_000);
  const unnoticed = proven.mutations.filter((mutation) => !proven.noticed(mutation));
  expect(unnoticed.map(({ kind, what }) => `${kind}: ${what}`)).toEqual([]);
});
