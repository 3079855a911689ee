import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { authorizationPages } from "../test/infrastructure/iam-requests.ts";
import { proveLeastPrivilege, toAccessRequest } from "../test/infrastructure/prove-least-privilege.ts";
import { type RecordedRequest, readRecording } from "../test/infrastructure/recorded-requests.ts";
import { listServiceAccess } from "../test/infrastructure/service-access.ts";
import { synthRecordedStacks } from "../test/infrastructure/synth-recorded-stacks.ts";
import type { SynthesizedStacks } from "../test/infrastructure/synth-stacks.ts";
import { listDeployedFunctions } from "./deployed-functions.ts";

let written: SynthesizedStacks;
let recorded: readonly RecordedRequest[];
let proven: ReturnType<typeof proveLeastPrivilege>;
beforeAll(async () => {
  written = await synthRecordedStacks();
  recorded = await readRecording();
  proven = proveLeastPrivilege(written, recorded);
});
afterAll(() => written?.remove());

const describeCall = ({
  principal,
  action,
  resource,
  context,
}: Parameters<typeof proven.inForce.allows>[0]) =>
  `${principal}: ${action} on ${resource} ${JSON.stringify(context)}`;

/** Whom the simulator's lists do not know: what they lack is none of ours. */
const unlisted = [
  // Its data has no resources of API Gateway's own management.
  (action: string) => action.startsWith("apigateway:"),
  // It takes kms:EncryptionContext:${name} for a key without a name.
  (_: string, complaint: string) => complaint.includes("kms:EncryptionContext:"),
];

describe("the recorded calls of the functions' bundles", () => {
  test("are of every function, and of each role that tooling has in an environment", async () => {
    const names = new Set(recorded.map((one) => one.function.split("@")[0]));
    for (const { name } of await listDeployedFunctions()) expect(names).toContain(name);
    expect(names).toContain("predict");
  });

  test("are asked as AWS's service authorization pages have it: action, kind of resource, condition keys", async () => {
    for (const page of Object.values(authorizationPages))
      expect(page).toMatch(/^https:\/\/docs\.aws\.amazon\.com\/service-authorization\//);
    const complaints: string[] = [];
    for (const one of recorded) {
      const complaint = await proven.inForce.complaint(toAccessRequest(one));
      if (complaint !== undefined && !unlisted.some((known) => known(one.action, complaint)))
        complaints.push(`${describeCall(toAccessRequest(one))}: ${complaint}`);
    }
    expect(complaints).toEqual([]);
  });

  test("are allowed, by the roles' own policies and by those of what they call", () => {
    expect(recorded.length).toBeGreaterThan(300);
    expect(
      recorded
        .map(toAccessRequest)
        .filter((ask) => !proven.inForce.allows(ask))
        .map(describeCall),
    ).toEqual([]);
  });
});

describe("what only AWS exercises", () => {
  test("is allowed, and AWS's page says so", () => {
    for (const { page, asks, side, why } of listServiceAccess(written)) {
      expect(page).toMatch(/^https:\/\/docs\.aws\.amazon\.com\//);
      expect(asks.length, why).toBeGreaterThan(0);
      expect(
        asks.filter((ask) => !proven.inForce.allows(ask, side)).map((ask) => `${why}: ${describeCall(ask)}`),
      ).toEqual([]);
    }
  });
});

describe("everything else", () => {
  test("that other functions do is refused", () => {
    expect(proven.ofOthers.length).toBeGreaterThan(500);
    expect(
      proven.ofOthers
        .filter(({ ask, side }) => proven.inForce.allows(ask, side))
        .map(({ ask }) => describeCall(ask)),
    ).toEqual([]);
  });

  test("beside what is allowed is refused: another resource, another caller, another condition, no TLS", () => {
    expect(proven.beside.length).toBeGreaterThan(1_000);
    expect(
      proven.beside
        .filter(({ ask, side }) => proven.inForce.allows(ask, side))
        .map(({ ask }) => describeCall(ask)),
    ).toEqual([]);
  });
});

test("the task token opens to the four functions that answer a task, and to no other", () => {
  const sample = recorded.find(
    ({ action, context }) => action === "kms:Decrypt" && Object.values(context).includes("task-token"),
  );
  if (!sample) throw new Error("a decryption of a task token is recorded");
  const may = (one: RecordedRequest) => proven.inForce.allows(toAccessRequest({ ...sample, role: one.role }));
  const opened = new Set(recorded.filter(may).map((one) => one.function));
  expect([...opened].sort()).toEqual([
    "answer-approval",
    "claim-environment",
    "request-approval",
    "sweep-deliveries",
  ]);
});

test("nothing of a policy can be taken away or widened without a test that fails", () => {
  const counts = Map.groupBy(proven.mutations, ({ kind }) => kind);
  console.info(
    `policies: ${proven.mutations.length} mutations (${[...counts].map(([kind, all]) => `${all.length} × ${kind}`).join(", ")}), ${recorded.length} recorded calls, ${proven.ofOthers.length} of others and ${proven.beside.length} beside refused`,
  );
  expect(proven.mutations.length).toBeGreaterThan(1_000);
  const unnoticed = proven.mutations.filter((mutation) => !proven.noticed(mutation));
  expect(unnoticed.map(({ kind, what }) => `${kind}: ${what}`)).toEqual([]);
});
