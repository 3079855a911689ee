/** Which of the approvers may approve, and how many must. */
import { describe, expect, test } from "vitest";
import { createHolds } from "#domain/changes/holds.ts";
import {
  allSlackIds,
  createModelChange,
  folder,
  lenientPolicy,
  open,
  policy,
  promoteFirstVersion,
  repository,
  slackIds,
  toEmail,
  useRepository,
  type World,
  yaml,
} from "./approval-world.ts";

useRepository();

describe("the message", () => {
  test("names the approvers, the approvers without access, and the contributors, whatever the commit says", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    await repository.commit(createModelChange("ada's"), "ada");
    const after = await repository.commit(createModelChange("ada's and sam's"), "sam");
    await world.ask(await world.push(before, after, toEmail("sam")));
    expect(world.message()).toContain("Approvers: <@U0BOB>, <@U0EVE>.");
    expect(world.message()).toContain("No access (contributed to this change): <@U0ADA>, <@U0SAM>.");
    expect(world.message()).toContain("*Contributors:* ada@example.com, sam@example.com");
    expect(world.message()).toContain("author (unverified): whoever");
  });

  test("leaves out an approver without an address in Slack, and says so", async () => {
    const world = open({ hidden: [slackIds.bob] });
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("ada's"), "ada");
    const id = await world.ask(await world.push(before, after, toEmail("ada")));
    expect((await world.vote(id, "bob", { email: undefined })).result).toBe("refused");
    expect(world.message()).toContain("Approvers: <@U0SAM>, <@U0EVE>.");
    expect(world.message()).toContain("No access (no e-mail address in Slack): <@U0BOB>.");
  });

  test("leaves out an approver whose address in Slack is not the organisation's, and says so", async () => {
    const world = open({ shown: { [slackIds.ada]: "ada.private@gmail.com" } });
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("ada's"), "ada");
    await world.ask(await world.push(before, after, toEmail("ada")));
    expect(world.message()).toContain("Approvers: <@U0BOB>, <@U0SAM>, <@U0EVE>.");
    expect(world.message()).toContain("No access (unknown e-mail address in Slack): <@U0ADA>.");
  });

  test("says how many more approvals are needed, in a line that earlier text cannot push out", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("x"), `${"x".repeat(150)}@elsewhere.example`);
    const id = await world.ask(await world.push(before, after, null));
    const more = (await world.quorum(id)) ?? 0;
    expect(world.message()).toMatch(
      new RegExp(
        `"[^"]*Not mapped to a person \\(${more - 1} extra approvals required\\)[^"]*elsewhere.example`,
      ),
    );
    expect(world.message()).not.toContain("Not measured");
  });

  test("does not say that more approvals are needed where authors may approve", async () => {
    const world = open({ platform: lenientPolicy });
    const alone = await repository.commit(
      {
        "policy.yaml": lenientPolicy,
        ...folder("churn"),
        "models/churn/model.yaml": yaml("churn", [slackIds.ada], true),
      },
      "ada",
    );
    await world.ask(await world.push(null, alone, null));
    expect(world.message()).toContain("Not mapped to a person (no extra approval required)");
    expect(world.message()).toContain("Approvers: <@U0ADA>.");
    expect(world.message()).not.toMatch(/\d extra approvals? required/);
  });
});

describe("an approver who changes their address in Slack", () => {
  const elsewhere = "ada.private@gmail.com";
  const ask = async (world: World) => {
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("ada's"), "ada");
    return world.ask(await world.push(before, after, toEmail("ada")));
  };

  test.each([
    ["the domains are configured", { domains: ["example.com"] }],
    ["people are listed", { people: { "bob@example.com": {} } }],
  ])("cannot approve their own change under a private address where %s", async (_, identities) => {
    const world = open({ identities, shown: { [slackIds.ada]: elsewhere } });
    const id = await ask(world);
    const voted = await world.vote(id, "ada", { email: elsewhere });
    expect(voted).toMatchObject({ result: "refused", why: expect.stringMatching(/slipway policy apply/) });
    expect((await world.vote(id, "bob")).result).toBe("decided");
  });

  test("cannot approve it after a change of address during the open approval", async () => {
    const world = open();
    const id = await ask(world);
    expect((await world.vote(id, "ada", { email: elsewhere })).result).toBe("refused");
  });

  test("does not become the author of commits of that domain", async () => {
    const world = open({
      identities: { people: { "bob@example.com": {} } },
      shown: { [slackIds.ada]: elsewhere },
    });
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("ada's"), "nobody@gmail.com");
    const id = await world.ask(await world.push(before, after, toEmail("sam")));
    expect(await world.quorum(id)).toBe(2);
  });

  test("does not count towards a quorum that the others cannot reach", async () => {
    const world = open({ shown: { [slackIds.ada]: elsewhere } });
    const alone = await repository.commit(folder("churn", [slackIds.ada]), "sam");
    await expect(world.start(await world.push(null, alone, toEmail("sam")))).rejects.toMatchObject({
      name: "QuorumOutOfReach",
      message: expect.stringContaining("U0ADA"),
    });
  });

  test("can still approve others' changes where the platform lists that address or their Slack id", async () => {
    const domains = ["example.com"];
    for (const person of [{ emails: [elsewhere] }, { slack: slackIds.ada }]) {
      const world = open({
        identities: { domains, people: { "ada@example.com": person } },
        shown: { [slackIds.ada]: elsewhere },
      });
      const approval = await ask(world);
      expect((await world.vote(approval, "ada", { email: elsewhere })).result).toBe("refused");
      const before = repository.head();
      await world.promote(before);
      const after = await repository.commit(createModelChange("sam's"), "sam");
      const second = await world.ask(await world.push(before, after, toEmail("sam")));
      expect((await world.vote(second, "ada", { email: elsewhere })).result).toBe("decided");
    }
  });
});

test("where neither people nor domains are configured nobody's address proves anything: the delivery ends with what to configure", async () => {
  const world = open({ identities: {} });
  const first = await repository.commit(folder("churn"), "sam");
  await expect(world.start(await world.push(null, first, toEmail("sam")))).rejects.toMatchObject({
    name: "QuorumOutOfReach",
    message: expect.stringMatching(/neither people nor domains.*slipway policy apply/),
  });
  const lenient = open({ identities: {}, platform: lenientPolicy });
  const alone = await repository.commit(
    {
      "policy.yaml": lenientPolicy,
      ...folder("churn"),
      "models/churn/model.yaml": yaml("churn", [slackIds.ada], true),
    },
    "ada",
  );
  const id = await lenient.ask(await lenient.push(null, alone, toEmail("ada")));
  expect((await lenient.vote(id, "ada")).result).toBe("decided");
});

describe("a team of one", () => {
  const only = (authorMayApprove: boolean) => ({
    ...folder("churn"),
    "models/churn/model.yaml": yaml("churn", [slackIds.ada], authorMayApprove),
  });

  test.each([
    ["their address", toEmail("ada")],
    ["an unknown person", null],
  ])(
    "approves its own change where the platform's copy says so and the commit repeats it, pushed as %s",
    async (_, pusher) => {
      const world = open({ platform: lenientPolicy });
      const first = await repository.commit({ "policy.yaml": lenientPolicy, ...only(true) }, "ada");
      const id = await world.ask(await world.push(null, first, pusher));
      expect(await world.quorum(id)).toBe(1);
      expect((await world.vote(id, "ada")).result).toBe("decided");
    },
  );

  test.each([
    ["the commit's policy.yaml alone", { platform: policy, committed: lenientPolicy, manifest: false }],
    ["the manifest alone", { platform: policy, committed: policy, manifest: true }],
    ["policy.yaml and the manifest alone", { platform: policy, committed: lenientPolicy, manifest: true }],
    ["the platform's copy alone", { platform: lenientPolicy, committed: lenientPolicy, manifest: false }],
    [
      "the platform's copy and the manifest, not policy.yaml",
      { platform: lenientPolicy, committed: policy, manifest: true },
    ],
  ])("cannot approve its own change where %s says so", async (_, { platform, committed, manifest }) => {
    const world = open({ platform });
    const alone = await repository.commit({ "policy.yaml": committed, ...only(manifest) }, "ada");
    await expect(world.start(await world.push(null, alone, toEmail("ada")))).rejects.toMatchObject({
      name: "QuorumOutOfReach",
    });
    const yamlOfAll = { "models/churn/model.yaml": yaml("churn", allSlackIds, manifest) };
    const after = await repository.commit(yamlOfAll, "ada");
    const id = await world.ask(await world.push(alone, after, toEmail("ada")));
    await world.expectRefused(id, "ada");
    expect((await world.vote(id, "bob")).result).toBe("decided");
  });

  test("cannot allow itself in the delivery that it would approve: the champion's manifest still forbids it", async () => {
    const world = open({ platform: lenientPolicy });
    const first = await repository.commit({ "policy.yaml": lenientPolicy, ...folder("churn") }, "eve");
    await world.push(null, first, toEmail("eve"));
    await world.promote(first);
    const allowing = { "models/churn/model.yaml": yaml("churn", allSlackIds, true) };
    const after = await repository.commit(allowing, "ada");
    const id = await world.ask(await world.push(first, after, toEmail("ada")));
    await world.expectRefused(id, "ada");
    expect((await world.vote(id, "bob")).result).toBe("decided");
  });
});

describe("a quorum out of reach", () => {
  test("ends the delivery at its start with a named error that lists the contributors", async () => {
    const world = open();
    const before = await repository.commit(
      { "policy.yaml": policy, ...folder("churn", [slackIds.ada]) },
      "ada",
    );
    const change = await world.push(null, before, toEmail("ada"));
    await expect(world.start(change)).rejects.toMatchObject({
      name: "QuorumOutOfReach",
      message: expect.stringMatching(/1 approval required, but only 0 of 1 approvers .* ada@example.com/),
    });
  });

  test("an approval that is requested again keeps its contributors", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("x"), "ada");
    const change = await world.push(before, after, toEmail("ada"));
    const id = await world.ask(change);
    const again = await world.ask({ ...change, pusher: toEmail("sam") });
    expect(again).toBe(id);
    await world.expectRefused(id, "ada", "sam");
  });
});

describe("one person with two accounts in Slack", () => {
  const twoOfAll = policy.replace("quorum: 1", "quorum: 2");
  const sameAddress = { shown: { [slackIds.eve]: "Bob+guest@example.com" } };
  const listedAddress = {
    identities: {
      domains: ["example.com"],
      people: { "bob@example.com": { emails: ["robert@partner.example"] } },
    },
    shown: { [slackIds.eve]: "robert@partner.example" },
  };
  const listedAccount = {
    identities: { domains: ["example.com"], people: { "bob@example.com": { slack: slackIds.bob } } },
    hidden: [slackIds.bob],
    shown: { [slackIds.eve]: "bob@example.com" },
  };
  const push = async (world: World) => {
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("ada's"), "ada");
    return world.push(before, after, toEmail("ada"));
  };

  test.each([
    ["one address", sameAddress],
    ["two addresses of a person in the platform's map", listedAddress],
    ["an account in the platform's map, and its address", listedAccount],
  ])("is one approver, by %s", async (_, accounts) => {
    const world = open({ ...accounts, platform: twoOfAll });
    const id = await world.ask(await push(world));
    const shown = { email: accounts.shown[slackIds.eve] };
    expect(await world.vote(id, "bob")).toMatchObject({ result: "counted", votes: 1, quorum: 2 });
    expect(await world.vote(id, "eve", shown)).toMatchObject({ result: "counted", votes: 1 });
    expect(await world.vote(id, "bob")).toMatchObject({ result: "counted", votes: 1 });
    expect((await world.vote(id, "sam")).result).toBe("decided");
  });

  test("does not break the glass of what they approved", async () => {
    const world = open(sameAddress);
    const id = await world.ask(await push(world));
    const { delivery = "" } = (await world.world.approvals.read(id)) ?? {};
    expect((await world.vote(id, "bob")).result).toBe("decided");
    const closure = { until: null, why: "frozen" };
    await createHolds(world.world).hold({ delivery, model: "churn" }, closure, world.world.time.now);
    const glass = {
      name: "eve",
      reason: "urgent",
      at: world.world.time.now,
      address: "as requested",
    } as const;
    expect(await world.world.approvals.breakGlass(id, { ...glass, user: slackIds.eve })).toMatchObject({
      result: "refused",
      why: expect.stringContaining("approved this delivery already"),
    });
    expect((await world.world.approvals.breakGlass(id, { ...glass, user: slackIds.sam })).result).toBe(
      "broken",
    );
  });

  test("does not make a quorum reachable that one person cannot reach alone", async () => {
    const world = open({ ...sameAddress, platform: twoOfAll });
    const first = await repository.commit(folder("churn", [slackIds.bob, slackIds.eve]), "ada");
    const change = await world.push(null, first, toEmail("ada"));
    await expect(world.start(change)).rejects.toMatchObject({
      name: "QuorumOutOfReach",
      message: expect.stringMatching(
        /2 approvals required, but only 1 of 2 .*U0BOB, U0EVE belong to one person/,
      ),
    });
  });
});
