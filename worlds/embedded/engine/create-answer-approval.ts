import { FollowUp, finishApproval } from "#domain/approval/finish-approval.ts";
import { answerApproval } from "#lambdas/answer-approval/answer-approval.ts";
import { createEmbeddedAsyncInvocation } from "#platform/async-invocation/embedded.ts";
import type { World } from "#worlds/embedded/world.ts";
import { publishAfter } from "./publish-after.ts";

/** The function answer-approval with its asynchronous invocations of itself, in this process. */
export const createAnswerApproval = (
  world: Pick<
    World,
    | "approvals"
    | "audit"
    | "canaries"
    | "holds"
    | "ledger"
    | "messages"
    | "outcomes"
    | "slack"
    | "readGroups"
    | "metrics"
    | "clock"
    | "warn"
    | "signingSecrets"
    | "teamId"
    | "appId"
    | "outbox"
  >,
) => {
  const publishing = publishAfter(world);
  const invocation = createEmbeddedAsyncInvocation({
    run: publishing(async (event) => finishApproval(world)(FollowUp.parse(event))),
    onFailure: (_, error) =>
      world.warn("the rest of an approval's work failed three times; the sweep does it", error),
  });
  return {
    answerApproval: publishing(answerApproval({ ...world, startFollowUp: invocation.start })),
    followUps: { idle: invocation.idle, stop: invocation.stop },
  };
};
