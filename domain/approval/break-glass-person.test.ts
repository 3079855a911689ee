import { afterEach, beforeEach, expect, test } from "vitest";
import { createHolds } from "#domain/changes/holds.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { createNewApproval } from "#test/support/record-approval.ts";
import { toyModel } from "#test/support/toy-model.ts";
import { fetchApproverAddresses } from "./fetch-approver-addresses.ts";

const [bob, eve] = ["U0BOB", "U0EVE"];
let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

/** Bob approved alone, as the rule allows, also to authors; prod is closed. Without an address: by a click. */
const approve = async (email?: string): Promise<string> => {
  world.engine.waiting.add("token");
  const { id } = await world.approvals.ask(
    createNewApproval(world, {
      ...{ delivery: "toy-1", letter: "a", version: 1 },
      rule: { approvers: [bob, eve], quorum: 1, authorMayApprove: true, timeout: "PT24H" },
    }),
    "token",
  );
  const vote = { user: bob, name: "bob", verdict: "approved", reason: null, at: world.time.now } as const;
  const { result } = await (email === undefined
    ? world.approvals.click(id, vote)
    : world.approvals.vote(id, { ...vote, email }));
  expect(result).toBe("decided");
  const closure = { until: null, why: "frozen" };
  await createHolds(world).hold({ delivery: "toy-1", model: toyModel }, closure, world.time.now);
  return id;
};
const breakGlass = async (id: string, email: string | undefined, bobs?: string | undefined | "unread") =>
  world.approvals.breakGlass(id, {
    ...{ user: eve, name: "eve", reason: "urgent", at: world.time.now, address: { email } },
    ...(bobs === "unread" ? {} : { approvers: new Map([[bob, bobs]]) }),
  });

test("a second account of the only approver is no approver more, also where authors may approve", async () => {
  const id = await approve("bob@example.com");
  expect(await breakGlass(id, "Bob+guest@example.com", "unread")).toMatchObject({
    result: "refused",
    why: expect.stringContaining("You approved this delivery already"),
  });
  expect(await breakGlass(id, "eve@example.com", "unread")).toMatchObject({ result: "broken" });
});

test("an account without an address breaks no glass: it could be the approver's", async () => {
  expect(await breakGlass(await approve("bob@example.com"), undefined)).toMatchObject({
    result: "refused",
    why: expect.stringContaining("unknown whether you approved with another account"),
  });
});

test("an approver whom nobody has looked up is looked up first, and the request waits for it", async () => {
  const id = await approve();
  const before = await world.approvals.read(id);
  if (!before) throw new Error("the approval exists");
  expect(await breakGlass(id, "bob@example.com", "unread")).toMatchObject({ result: "postponed" });
  const slack = { users: { info: async () => ({ user: { profile: { email: "bob@example.com" } } }) } };
  expect(await fetchApproverAddresses(slack, before)).toEqual(new Map([[bob, "bob@example.com"]]));
  expect(await breakGlass(id, "bob@example.com", "bob@example.com")).toMatchObject({
    result: "refused",
    why: expect.stringContaining("You approved this delivery already"),
  });
  expect(await breakGlass(id, "eve@example.com", undefined)).toMatchObject({
    result: "refused",
    why: expect.stringContaining("somebody who approved this delivery"),
  });
  expect(await breakGlass(id, "eve@example.com", "bob@example.com")).toMatchObject({ result: "broken" });
});
