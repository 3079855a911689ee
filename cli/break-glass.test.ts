import { afterEach, beforeEach, expect, test } from "vitest";
import { createHolds } from "#domain/changes/holds.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { createNewApproval } from "#test/support/record-approval.ts";
import { toyModel } from "#test/support/toy-model.ts";
import { breakGlass } from "./break-glass.ts";

const [ada, eve, group] = ["U0ADA", "U0EVE", "S0TEAM"];

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

/** An approved delivery that a closed prod holds; Eve is an approver only by a user group. */
const hold = async () => {
  world.engine.waiting.add("token");
  const shown = [ada, eve].map((user) => ({ user, email: `${user.toLowerCase()}@example.com` }));
  const { id } = await world.approvals.ask(
    createNewApproval(world, {
      delivery: "toy-1",
      letter: "a",
      version: 1,
      rule: { approvers: [ada, eve], quorum: 1, authorMayApprove: false, timeout: "PT24H" },
      contributors: {
        ...{ people: [], addresses: [], unmapped: [], approvers: [], leftOut: [], shown },
        groups: { lists: [[ada, group]], members: [{ group, users: [eve] }] },
      },
    }),
    "token",
  );
  const click = { user: ada, name: "ada", verdict: "approved", reason: null, at: world.time.now } as const;
  await world.approvals.click(id, click);
  const closure = { until: null, why: "frozen" };
  await createHolds(world).hold({ delivery: "toy-1", model: toyModel }, closure, world.time.now);
  return id;
};
const run = (id: string, readMembers: () => readonly string[], email?: string) =>
  breakGlass(
    { ...world, readGroups: async () => new Map([[group, readMembers()]]) } as Parameters<
      typeof breakGlass
    >[0],
    {
      named: id,
      voter: { id: eve, name: "eve", email, via: "command", account: "eve@laptop" },
      reason: "prices are wrong",
    },
  );

test("a member of the user group breaks the glass, and who left it does not", async () => {
  const id = await hold();
  expect(await run(id, () => [])).toMatchObject({
    taken: false,
    sentence: expect.stringContaining("no longer in the user group"),
  });
  expect(await run(id, () => [eve])).toMatchObject({ taken: true });
  expect(await world.approvals.read(id)).toMatchObject({ breakGlass: { user: eve } });
});

test("if Slack does not say who is in the group, the request waits for it, also with an address that AWS knows", async () => {
  for (const email of [undefined, "u0eve@example.com"]) {
    const id = await hold();
    const answer = await run(
      id,
      () => {
        throw new Error("Slack is down");
      },
      email,
    );
    expect(answer).toMatchObject({ taken: true, sentence: expect.stringContaining("once Slack confirms") });
    expect(await world.approvals.read(id)).toMatchObject({ postponedGlass: [{ user: eve }] });
    expect((await world.approvals.read(id))?.breakGlass).toBeUndefined();
  }
});
