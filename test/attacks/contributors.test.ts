import { describe, expect, test } from "vitest";
import { openDatabase } from "#platform/store/open-database.ts";
import { runCommand } from "#test/support/run-command.ts";
import { startStubServer } from "#test/support/stub-server.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import { acquireDataFolder } from "#worlds/embedded/data/data-folder-ownership.ts";
import {
  createModelChange,
  folder,
  open,
  type Person,
  policy,
  promoteFirstVersion,
  repository,
  toEmail,
  useRepository,
  type World,
} from "./approval-world.ts";
import { logins, mergeOnHost, playGitHubHistory } from "./github-approval-world.ts";

useRepository();

describe("a contributor may not approve", () => {
  test("one push with Ada's change and then Sam's typo has both as contributors", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    await repository.commit(createModelChange("ada's"), "ada");
    const after = await repository.commit({ "README.md": "typo" }, "sam");
    const id = await world.ask(await world.push(before, after, toEmail("sam")));
    await world.expectRefused(id, "ada", "sam");
    expect((await world.vote(id, "bob")).result).toBe("decided");
  });

  test("a branch of Ada's that Bob merges by a merge commit has both as contributors", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    repository.git(["checkout", "-q", "-b", "feature"]);
    await repository.commit(createModelChange("ada's"), "ada");
    repository.git(["checkout", "-q", "main"]);
    await repository.commit({ "README.md": "bob's" }, "bob");
    repository.git(["merge", "-q", "--no-ff", "feature", "-m", "Merge"], repository.as("bob"));
    const id = await world.ask(await world.push(before, repository.head(), toEmail("bob")));
    await world.expectRefused(id, "ada", "bob");
    expect((await world.vote(id, "sam")).result).toBe("decided");
  });

  test.each([
    ["a GitHub login", "github:ada"],
    ["a noreply address", "12+ada@users.noreply.github.com"],
    ["an IAM user's ARN", "arn:aws:iam::123456789012:user/ada"],
    [
      "a session that she named herself",
      "arn:aws:sts::123456789012:assumed-role/DataScience/bob@example.com",
    ],
    ["a missing pusher", null],
  ])(
    "Ada who commits as Sam is not known by %s: one more approval is needed, and the message says so",
    async (_, pusher) => {
      const world = open();
      const before = await promoteFirstVersion(world);
      const after = await repository.commit(createModelChange("ada's"), "sam");
      const id = await world.ask(await world.push(before, after, pusher));
      await world.expectRefused(id, "sam");
      expect(await world.quorum(id)).toBeGreaterThanOrEqual(2);
      expect((await world.vote(id, "ada")).result).toBe("counted");
      expect(world.message()).toMatch(
        /Not mapped to a person \((1 extra approval|2 extra approvals) required\)/,
      );
      expect((await world.vote(id, "bob")).result).toMatch(/counted|decided/);
    },
  );

  test.each(["github:ada", "12+ada@users.noreply.github.com", "arn:aws:iam::123456789012:user/ada"])(
    "mapped by the platform, %s is Ada whatever the commit says",
    async (pusher) => {
      const identities = {
        people: {
          "ada@example.com": {
            logins: ["github:Ada"],
            arns: ["arn:aws:iam::123456789012:user/ada"],
            emails: ["12+ada@users.noreply.github.com"],
          },
        },
      };
      const world = open({ identities });
      const before = await promoteFirstVersion(world);
      const after = await repository.commit(createModelChange("ada's"), "sam");
      const id = await world.ask(await world.push(before, after, pusher));
      await world.expectRefused(id, "ada", "sam");
      expect(await world.quorum(id)).toBe(1);
    },
  );

  test("an address with a tag, in capitals or with a trailing dot belongs to the same person", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("x"), "Ada+models@EXAMPLE.com.");
    const id = await world.ask(await world.push(before, after, toEmail("eve")));
    for (const email of ["ada@example.com", "ADA+slack@example.com", "ada@example.com."])
      expect((await world.vote(id, "ada", { email })).result).toBe("refused");
  });

  test("an address that only looks like a person's belongs to nobody", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("x"), "аda@example.com");
    const id = await world.ask(await world.push(before, after, toEmail("eve")));
    expect(await world.quorum(id)).toBe(2);
    expect((await world.vote(id, "bob", { email: "bоb@example.com" })).result).toBe("refused");
  });

  test("a co-author is a contributor, wherever the line is in the message", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const message =
      "Change\n\nco-authored-by: Ada <ADA@example.com>\nnot a trailer\n\nCo-authored-by: Bob\n <bob@example.com>";
    const after = await repository.commit(createModelChange("x"), "sam", { message });
    const id = await world.ask(await world.push(before, after, toEmail("sam")));
    await world.expectRefused(id, "ada", "bob", "sam");
  });

  test("a committer is a contributor, also of a cherry-pick", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    repository.git(["checkout", "-q", "-b", "other"]);
    const original = await repository.commit(createModelChange("ada's"), "ada");
    repository.git(["checkout", "-q", "main"]);
    repository.git(["cherry-pick", original], {
      ...repository.as("bob"),
      GIT_AUTHOR_NAME: "",
      GIT_AUTHOR_EMAIL: "",
    });
    const id = await world.ask(await world.push(before, repository.head(), toEmail("sam")));
    await world.expectRefused(id, "ada", "bob", "sam");
  });

  test("an approver without a known address may not approve", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("x"), "ada");
    const id = await world.ask(await world.push(before, after, toEmail("ada")));
    expect((await world.vote(id, "bob", { email: undefined })).result).toBe("refused");
  });

  test("a forged author merged by the forger keeps the forger out", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    repository.git(["checkout", "-q", "-b", "feature"]);
    await repository.commit(createModelChange("sam's"), "ada");
    repository.git(["checkout", "-q", "main"]);
    repository.git(["merge", "-q", "--no-ff", "feature", "-m", "Merge"], repository.as("sam"));
    const id = await world.ask(await world.push(before, repository.head(), toEmail("sam")));
    await world.expectRefused(id, "ada", "sam");
  });

  test("whoever pushed a forged commit before stays a contributor when another pushes after them", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const forged = await repository.commit(createModelChange("sam's"), "ada");
    await world.push(before, forged, toEmail("sam"));
    const after = await repository.commit(createModelChange("bob's"), "bob");
    const id = await world.ask(await world.push(forged, after, toEmail("bob")));
    await world.expectRefused(id, "ada", "sam", "bob");
  });

  test("commits without a known pusher need one more approval", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const forged = await repository.commit(createModelChange("sam's"), "ada");
    const after = await repository.commit(createModelChange("bob's"), "bob");
    const id = await world.ask(await world.push(forged, after, toEmail("bob")));
    expect((await world.contributors(id))?.unmapped).toEqual([
      { identity: `whoever pushed ${forged.slice(0, 12)}`, why: "there is no record of the push" },
    ]);
    expect(before).not.toBe(forged);
  });

  test("a merge with content of neither parent is a change by its author", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    repository.git(["checkout", "-q", "-b", "feature"]);
    await repository.commit(createModelChange("ada's"), "ada");
    repository.git(["checkout", "-q", "main"]);
    await repository.commit({ "README.md": "x" }, "ada");
    repository.git(["merge", "-q", "--no-ff", "--no-commit", "feature"], repository.as("bob"));
    await repository.write("models/churn/model.onnx", "bob's own");
    repository.git(["add", "--all"]);
    repository.git(["commit", "-q", "-m", "Merge"], repository.as("bob"));
    const id = await world.ask(await world.push(before, repository.head(), toEmail("ada")));
    await world.expectRefused(id, "ada", "bob");
  });

  test("a rewritten branch that removes content has the authors of that content as contributors", async () => {
    const world = open();
    const first = await promoteFirstVersion(world);
    const second = await repository.commit(createModelChange("ada's"), "ada");
    await world.promote(second);
    repository.git(["reset", "-q", "--hard", first]);
    const after = await repository.commit(createModelChange("sam's"), "sam");
    const id = await world.ask(await world.push(second, after, toEmail("sam")));
    await world.expectRefused(id, "ada", "sam");
  });

  test("a renamed folder keeps its contributors", async () => {
    const world = open();
    await promoteFirstVersion(world);
    const lines = Array.from({ length: 50 }, (_, index) => `line ${index} of ada`).join("\n");
    const old = await repository.commit({ "models/old/model.onnx": lines }, "ada");
    repository.git(["mv", "models/old", "models/fresh"]);
    const after = await repository.commit(
      { ...folder("fresh"), "models/fresh/model.onnx": `${lines}\nsam` },
      "sam",
    );
    await world.push(null, old, toEmail("ada"), "none");
    const id = await world.ask(await world.push(old, after, toEmail("sam"), "fresh"));
    await world.expectRefused(id, "ada", "sam");
    expect((await world.vote(id, "bob")).result).toBe("decided");
  });

  test("for a first version every commit of its folder counts, and every commit of the runtime that serves prod for no other model", async () => {
    const world = open();
    await repository.commit({ "policy.yaml": policy, "inference/app.ts": "1" }, "bob");
    await repository.commit(folder("churn"), "ada");
    const first = repository.head();
    const id = await world.ask(await world.push(null, first, toEmail("ada")));
    await world.expectRefused(id, "ada", "bob");
    expect((await world.vote(id, "sam")).result).toBe("decided");

    await world.promote(first);
    await repository.commit({ "inference/app.ts": "2" }, "sam");
    const after = await repository.commit(folder("second"), "ada");
    const second = await world.ask(await world.push(first, after, toEmail("ada"), "second"));
    await world.expectRefused(second, "sam", "ada");
    expect((await world.vote(second, "bob")).result).toBe("decided");
  });
});

const toSsoArn = (person: Person) =>
  `arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_people_0123456789abcdef/${toEmail(person)}`;

describe("the person who runs slipway deliver", () => {
  test.each([
    ["on one machine", toEmail("bob")],
    ["on AWS, by a session of IAM Identity Center", toSsoArn("bob")],
  ])("started that delivery and may not approve it, %s", async (_, caller) => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("ada's"), "ada");
    await world.push(before, after, toEmail("ada"));
    const id = await world.ask(await world.deliver(after, caller));
    await world.expectRefused(id, "ada", "bob");
    expect((await world.vote(id, "sam")).result).toBe("decided");
  });

  test("may approve the same commit where another person delivers it", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("ada's"), "ada");
    await world.push(before, after, toEmail("ada"));
    await world.deliver(after, toEmail("bob"));
    const id = await world.ask(await world.deliver(after, toEmail("sam")));
    await world.expectRefused(id, "ada", "sam");
    expect((await world.vote(id, "bob")).result).toBe("decided");
  });

  test("is recorded by the command itself: as the author that git would use there, whatever the commit says", async () => {
    const temporary = await createTemporaryFolder();
    const data = resolveDataFolder(temporary.path);
    const calls: unknown[] = [];
    const engine = await startStubServer((_, body) => {
      calls.push(JSON.parse(body.toString()));
      return { started: true };
    });
    const owner = acquireDataFolder(data, { command: "rehearse", now: Date.now() });
    try {
      openDatabase(data.database).close();
      owner.announce(engine.url);
      const world = open();
      const before = await promoteFirstVersion(world);
      const after = await repository.commit(createModelChange("ada's"), "ada");
      await world.push(before, after, toEmail("ada"));
      repository.git(["clone", "-q", repository.path, data.repository]);
      repository.git(["-C", data.repository, "config", "user.email", toEmail("bob")]);

      const run = await runCommand(["deliver", "churn", "--data", temporary.path], {});

      expect([run.code, run.stderr]).toEqual([0, ""]);
      expect(calls).toMatchObject([{ call: "start", input: { commit: after, pusher: toEmail("bob") } }]);
    } finally {
      owner.release();
      await engine.stop();
      await temporary.remove();
    }
  });

  test("is a contributor of that delivery where they had merged the pull request on GitHub's pages, too", async () => {
    const before = await promoteFirstVersion(open());
    repository.git(["checkout", "-q", "-b", "feature"]);
    const head = await repository.commit(createModelChange("ada's"), "ada");
    repository.git(["checkout", "-q", "main"]);
    const after = mergeOnHost("feature", "bob");
    const by = ["github:ada", "github:ada"];
    const world = open({
      identities: logins,
      vouch: playGitHubHistory({
        updates: [{ before, after, by: "github:bob", pull: "#1" }],
        signed: { [after]: { by: "host" } },
        pulls: { "#1": { base: before, head, by } },
      }),
    });
    await world.promote(before);
    await world.push(before, after, "github:bob <bob@example.com>");
    const id = await world.ask(await world.deliver(after, "github:bob"));
    await world.expectRefused(id, "ada", "bob");
    expect((await world.vote(id, "sam")).result).toBe("decided");
  });

  test("does not hide earlier pushers", async () => {
    const world = open();
    const before = await promoteFirstVersion(world);
    const after = await repository.commit(createModelChange("sam's"), "ada");
    await world.push(before, after, toEmail("sam"));
    const id = await world.ask(await world.deliver(after, toSsoArn("bob")));
    await world.expectRefused(id, "ada", "sam", "bob");
  });
});

describe("after a rollback", () => {
  /** Prod served Eve's version, then Ada's (pushed by Sam), and was rolled back to Eve's. */
  const rollBackToEve = async (world: World) => {
    const first = await promoteFirstVersion(world);
    const second = await repository.commit(createModelChange("ada's"), "ada");
    await world.push(first, second, toEmail("sam"));
    await world.promote(second);
    const { to } = await world.rollBack();
    expect(to.commit).toBe(first);
    return { first, second };
  };

  test("the authors of the rolled-back version are contributors of the next one, which has their commits", async () => {
    const world = open();
    const { second } = await rollBackToEve(world);
    const after = await repository.commit(createModelChange("bob's"), "bob");
    const id = await world.ask(await world.push(second, after, toEmail("bob")));
    await world.expectRefused(id, "ada", "sam", "bob");
    expect((await world.vote(id, "eve")).result).toBe("decided");
  });

  test("the authors of the rolled-back version may not approve it when it is delivered again", async () => {
    const world = open();
    const { second } = await rollBackToEve(world);
    const id = await world.ask(await world.deliver(second, toEmail("bob")));
    await world.expectRefused(id, "ada", "sam", "bob");
    expect((await world.vote(id, "eve")).result).toBe("decided");
  });

  test("a revert of that version has its author and the version's authors as contributors", async () => {
    const world = open();
    const { second } = await rollBackToEve(world);
    repository.git(["revert", "--no-edit", "HEAD"], repository.as("bob"));
    const id = await world.ask(await world.push(second, repository.head(), toEmail("bob")));
    await world.expectRefused(id, "ada", "sam", "bob");
  });
});
