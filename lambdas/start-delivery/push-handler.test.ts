import { expect, test } from "vitest";
import { createPushEventHandler } from "./push-handler.ts";

const runtime = `sha256:${"a".repeat(64)}`;
const before = "b".repeat(40);
const after = "c".repeat(40);
const detail = {
  event: "referenceUpdated",
  repositoryName: "models",
  referenceType: "branch",
  referenceName: "main",
  oldCommitId: before,
  commitId: after,
  callerUserArn: "arn:aws:sts::123456789012:assumed-role/DataScience/pat@example.com",
};
const pushed = (changes: object = {}) => ({
  source: "aws.codecommit",
  "detail-type": "CodeCommit Repository State Change",
  detail: { ...detail, ...changes },
});

const receive = async (event: unknown) => {
  const inputs: unknown[] = [];
  const recorded: unknown[] = [];
  const { ignored } = await createPushEventHandler({ repository: "models", branch: "main", runtime })({
    start: async (input) => {
      inputs.push(input);
      return { deliveries: [], removed: [] };
    },
    pushes: { recordBranch: async (push) => void recorded.push(push) },
  })(event);
  return { inputs, recorded, ignored };
};
const startedBy = async (event: unknown) => (await receive(event)).inputs;

test("a push to the branch that delivers starts from its two commits, by the caller that AWS names", async () => {
  expect(await startedBy(pushed())).toEqual([
    { repository: "models", before, after, pusher: detail.callerUserArn, attempt: 1, runtime },
  ]);
});

test("a user's ARN without an e-mail is the pusher, and without an ARN there is no pusher", async () => {
  const user = "arn:aws:iam::123456789012:user/pat";
  expect(await startedBy(pushed({ callerUserArn: user }))).toMatchObject([{ pusher: user }]);
  expect(await startedBy(pushed({ callerUserArn: undefined }))).toMatchObject([{ pusher: null }]);
});

test("a new branch has no commit before it", async () => {
  expect(await startedBy(pushed({ event: "referenceCreated", oldCommitId: undefined }))).toMatchObject([
    { before: null, after },
  ]);
});

test.each([
  ["another repository", { repositoryName: "other" }, /push is to other/],
  ["a deletion", { event: "referenceDeleted", commitId: undefined }, /main was deleted/],
])("%s starts nothing, and the result says why", async (_, changes, why) => {
  const ignored = expect.stringMatching(why);
  expect(await receive(pushed(changes))).toEqual({ inputs: [], recorded: [], ignored });
});

test("a push to another branch starts nothing, and is recorded with its caller", async () => {
  expect(await receive(pushed({ referenceName: "try-out" }))).toEqual({
    inputs: [],
    recorded: [{ before, after, by: detail.callerUserArn }],
    ignored: expect.stringMatching(/Only pushes to main deliver/),
  });
});

test.each([
  ["tag", "main", /tag delivers nothing/],
  ["note", "main", /Only pushes to main deliver, and this is refs\/note\/main/],
])(
  "a push of a %s starts nothing, and is recorded with its caller",
  async (referenceType, referenceName, why) => {
    expect(await receive(pushed({ referenceType, referenceName }))).toEqual({
      inputs: [],
      recorded: [{ before, after, by: detail.callerUserArn }],
      ignored: expect.stringMatching(why),
    });
  },
);

test("the deletion of another branch is not a push", async () => {
  const deletion = { referenceName: "try-out", event: "referenceDeleted", commitId: undefined };
  expect(await receive(pushed(deletion))).toMatchObject({ inputs: [], recorded: [] });
});

test("an event that is not from CodeCommit is the step's own input", async () => {
  const byHand = { repository: "models", before: null, after, pusher: null, runtime, models: ["churn"] };
  expect(await startedBy(byHand)).toEqual([byHand]);
  const { repository, runtime: _, ...short } = byHand;
  expect(await startedBy(short)).toEqual([byHand]);
});
