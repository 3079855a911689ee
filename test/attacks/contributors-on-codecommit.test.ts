/** Contributors by what CodeCommit reports: pushes. */
import { describe, expect, test } from "vitest";
import { parseCodeCommitPush } from "#lambdas/start-delivery/parse-codecommit-push.ts";
import {
  createModelChange,
  open,
  type Person,
  promoteFirstVersion,
  repository,
  toEmail,
  useRepository,
} from "./approval-world.ts";

useRepository();

describe("on CodeCommit", () => {
  const arn = (person: Person) => `arn:aws:iam::123456789012:user/${person}`;
  const users = {
    people: Object.fromEntries(
      (["ada", "bob", "sam", "eve"] as const).map((person) => [toEmail(person), { arns: [arn(person)] }]),
    ),
  };
  /** A host that sends an event for each push to any branch, and has no record of pushes. */
  const openCodeCommit = (identities: NonNullable<Parameters<typeof open>[0]>["identities"] = users) =>
    open({
      identities,
      vouch: (source) => ({
        ...source,
        history: async (...args) => ({ ...(await source.history(...args)), branches: "told" }),
      }),
    });
  /** A commit on `feature` in the name of `claims`, which Bob merges. */
  const mergeFeature = async (claims: Person, how = "--no-ff", main = how === "--no-ff") => {
    repository.git(["checkout", "-q", "-b", "feature"]);
    const head = await repository.commit(createModelChange("a change"), claims);
    repository.git(["checkout", "-q", "main"]);
    if (main) await repository.commit({ "README.md": "main went on" }, "bob");
    repository.git(["merge", "-q", how, "feature", ...(main ? ["-m", "Merge"] : [])], repository.as("bob"));
    return { head, after: repository.head() };
  };

  test.each(["--no-ff", "--ff-only"])(
    "Ada who pushes a commit in Sam's name to a branch may not approve it, merged by Bob with %s",
    async (how) => {
      const world = openCodeCommit();
      const before = await promoteFirstVersion(world);
      const { head, after } = await mergeFeature("sam", how);
      await world.pushBranch("feature", null, head, arn("ada"));
      const id = await world.ask(await world.push(before, after, arn("bob")));
      await world.expectRefused(id, "ada", "sam");
      expect(await world.quorum(id)).toBe(1);
      expect((await world.vote(id, "bob")).result).toBe("decided");
    },
  );

  test.each([
    ["a bot", { bots: [arn("ada")] }, 1],
    ["an unknown person", {}, 2],
  ] as const)(
    "Bob who merges what %s pushed to a branch may not approve it",
    async (_, identities, quorum) => {
      const people = Object.fromEntries(
        (["bob", "sam", "eve"] as const).map((person) => [toEmail(person), { arns: [arn(person)] }]),
      );
      const world = openCodeCommit({ people, ...identities });
      const before = await promoteFirstVersion(world);
      const { head, after } = await mergeFeature("sam");
      await world.pushBranch("feature", null, head, arn("ada"));
      const id = await world.ask(await world.push(before, after, arn("bob")));
      await world.expectRefused(id, "bob", "sam");
      expect(await world.quorum(id)).toBe(quorum);
    },
  );

  test("a team of two may approve a branch that began at main's commit, after main moves forward to it", async () => {
    const world = openCodeCommit();
    const before = await promoteFirstVersion(world);
    await repository.commit(createModelChange("ada's"), "ada");
    const after = repository.head();
    await world.pushBranch("feature", null, before, arn("ada"));
    world.world.time.now += 1_000;
    await world.pushBranch("feature", before, after, arn("ada"));
    world.world.time.now += 1_000;
    const id = await world.ask(await world.push(before, after, arn("bob")));
    await world.expectRefused(id, "ada");
    expect((await world.vote(id, "bob")).result).toBe("decided");
  });

  test("Bob who resolves a conflict in his merge has made a change", async () => {
    const world = openCodeCommit();
    const before = await promoteFirstVersion(world);
    const { head } = await mergeFeature("sam");
    await world.pushBranch("feature", null, head, arn("ada"));
    for (const [path, content] of Object.entries(createModelChange("by hand")))
      await repository.write(path, content);
    repository.git(["commit", "-q", "--all", "--amend", "--no-edit"], repository.as("bob"));
    const id = await world.ask(await world.push(before, repository.head(), arn("bob")));
    await world.expectRefused(id, "ada", "bob", "sam");
    expect((await world.vote(id, "eve")).result).toBe("decided");
  });

  test("Bob who merges his own branch, pushed in Sam's name, has pushed it", async () => {
    const world = openCodeCommit();
    const before = await promoteFirstVersion(world);
    const { head, after } = await mergeFeature("sam");
    await world.pushBranch("feature", null, head, arn("bob"));
    const id = await world.ask(await world.push(before, after, arn("bob")));
    await world.expectRefused(id, "bob", "sam");
    expect((await world.vote(id, "eve")).result).toBe("decided");
  });

  test("a person who makes another branch of Ada's commit or of main later is not its pusher", async () => {
    const world = openCodeCommit();
    const before = await promoteFirstVersion(world);
    const { head, after } = await mergeFeature("sam");
    await world.pushBranch("feature", null, head, arn("ada"));
    world.world.time.now += 1_000;
    await world.pushBranch("other", null, head, arn("eve"));
    const change = await world.push(before, after, arn("bob"));
    world.world.time.now += 1_000;
    await world.pushBranch("late", null, after, arn("eve"));
    const id = await world.ask(change);
    await world.expectRefused(id, "ada", "sam");
    expect((await world.vote(id, "eve")).result).toBe("decided");
  });

  test("merged commits without a recorded push need one more approval, however many they are", async () => {
    const world = openCodeCommit();
    const before = await promoteFirstVersion(world);
    repository.git(["checkout", "-q", "-b", "feature"]);
    await repository.commit(createModelChange("1"), "sam");
    await repository.commit(createModelChange("2"), "sam");
    repository.git(["checkout", "-q", "main"]);
    repository.git(["merge", "-q", "--no-ff", "feature", "-m", "Merge"], repository.as("bob"));
    const id = await world.ask(await world.push(before, repository.head(), arn("bob")));
    expect((await world.contributors(id))?.unmapped).toMatchObject([
      { identity: expect.stringMatching(/^whoever pushed .* and 1 more commit$/) },
    ]);
    expect(await world.quorum(id)).toBe(2);
    expect((await world.vote(id, "ada")).result).toBe("counted");
  });

  test.each(["ada", "bob"] as const)(
    "a team of two: Ada pushes a branch, %s merges it, Bob approves",
    async (merger) => {
      const world = openCodeCommit();
      const before = await promoteFirstVersion(world);
      repository.git(["checkout", "-q", "-b", "feature"]);
      const head = await repository.commit(createModelChange("ada's"), "ada");
      await world.pushBranch("feature", null, head, arn("ada"));
      repository.git(["checkout", "-q", "main"]);
      repository.git(["merge", "-q", "--no-ff", "feature", "-m", "Merge"], repository.as(merger));
      const id = await world.ask(await world.push(before, repository.head(), arn(merger)));
      await world.expectRefused(id, "ada");
      expect(await world.quorum(id)).toBe(1);
      expect((await world.vote(id, "bob")).result).toBe("decided");
    },
  );

  test("Ada who pushes a commit in Sam's name as a tag may not approve it where Eve makes a branch of it", async () => {
    const world = openCodeCommit();
    const before = await promoteFirstVersion(world);
    const { head, after } = await mergeFeature("sam");
    await world.pushBranch("try-out", null, head, arn("ada"), "tag");
    world.world.time.now += 1_000;
    await world.pushBranch("feature", null, head, arn("eve"));
    const id = await world.ask(await world.push(before, after, arn("bob")));
    await world.expectRefused(id, "ada", "sam");
    expect(await world.quorum(id)).toBe(1);
    expect((await world.vote(id, "bob")).result).toBe("decided");
  });

  test("a push of one's own commits to main needs no other record", async () => {
    const world = openCodeCommit();
    const before = await promoteFirstVersion(world);
    await repository.commit(createModelChange("1"), "ada");
    const after = await repository.commit(createModelChange("2"), "ada");
    const id = await world.ask(await world.push(before, after, arn("ada")));
    await world.expectRefused(id, "ada");
    expect(await world.quorum(id)).toBe(1);
  });
});

test("CodeCommit's caller is recorded as a full ARN, because a session's name proves nothing", () => {
  const callerUserArn = "arn:aws:sts::123456789012:assumed-role/DataScience/bob@example.com";
  const detail = {
    event: "referenceUpdated",
    repositoryName: "models",
    referenceType: "branch",
    referenceName: "main",
    oldCommitId: "a".repeat(40),
    commitId: "b".repeat(40),
    callerUserArn,
  };
  expect(parseCodeCommitPush({ source: "aws.codecommit", detail })?.pusher).toBe(callerUserArn);
});
