import * as z from "zod";
import { CommitId } from "#platform/source/source.ts";
import type { Push } from "./push.ts";

/** Where a reference was created or deleted there is no commit on the one side. */
const zeroCommit = "0".repeat(40);

/**
 * What is read of GitHub's push payload.
 * https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
 */
const PushPayload = z.object({
  ref: z.string().min(1),
  before: CommitId,
  after: CommitId,
  forced: z.boolean(),
  repository: z.object({ full_name: z.string().min(1) }),
  /** `name` is the account's login; the address is the one that it shows, if any. */
  pusher: z.object({ name: z.string(), email: z.string().nullish() }),
});

/** The push that a payload tells of; undefined: it is none. */
export const parseGitHubPush = (payload: unknown): Push | undefined => {
  const read = PushPayload.safeParse(payload);
  if (!read.success) return undefined;
  const { ref, before, after, forced, repository, pusher } = read.data;
  return {
    repository: repository.full_name,
    ref,
    before: before === zeroCommit ? null : before,
    after: after === zeroCommit ? null : after,
    // GitHub also calls it forced that a branch is deleted.
    forced: forced && before !== zeroCommit && after !== zeroCommit,
    pusher: pusher.email ? `github:${pusher.name} <${pusher.email}>` : `github:${pusher.name}`,
    attempt: 1,
  };
};
