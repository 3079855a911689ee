import * as z from "zod";
import { gitHubPush } from "./github-push.ts";
import type { Push } from "./push.ts";

/**
 * What `.github/workflows/deliver.yml` sends: GitHub's own push payload, and which run of the workflow it is. Nobody but
 * the branch's workflow may take on the role that invokes this function (OIDC).
 */
const FromWorkflow = z.object({
  source: z.literal("github.actions"),
  push: z.unknown(),
  /** 1, and one more with each re-run by a person. */
  attempt: z.int().min(1).max(999),
});

/** The push that the workflow tells of; undefined: it is not from there. */
export const workflowPush = (event: unknown): Push | undefined => {
  const read = FromWorkflow.safeParse(event);
  const push = read.success ? gitHubPush(read.data.push) : undefined;
  return push && read.success ? { ...push, attempt: read.data.attempt } : undefined;
};
