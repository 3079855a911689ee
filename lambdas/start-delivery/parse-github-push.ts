import * as z from "zod";
import { CommitId } from "#platform/source/source.ts";
import type { Push } from "./push.ts";

/** GitHub's value for the missing commit when a reference was created or deleted. */
const zeroCommit = "0".repeat(40);

/**
 * The parts of GitHub's push payload that are read.
 * https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
 */
const PushPayload = z.object({
  ref: z.string().min(1),
  before: CommitId,
  after: CommitId,
  forced: z.boolean(),
  repository: z.object({ full_name: z.string().min(1) }),
  /** `name` is the account's login; the address is its public one, if any. */
  pusher: z.object({ name: z.string(), email: z.string().nullish() }),
});

/** The push in a payload; undefined for any other payload. */
export const parseGitHubPush = (payload: unknown): Push | undefined => {
  const parsed = PushPayload.safeParse(payload);
  if (!parsed.success) return undefined;
  const { ref, before, after, forced, repository, pusher } = parsed.data;
  return {
    repository: repository.full_name,
    ref,
    before: before === zeroCommit ? null : before,
    after: after === zeroCommit ? null : after,
    // GitHub also calls the deletion of a branch forced.
    forced: forced && before !== zeroCommit && after !== zeroCommit,
    pusher: pusher.email ? `github:${pusher.name} <${pusher.email}>` : `github:${pusher.name}`,
    attempt: 1,
  };
};
