import * as z from "zod";
import { parseGitHubPush } from "./parse-github-push.ts";
import type { Push } from "./push.ts";

/**
 * What `.github/workflows/deliver.yml` sends: GitHub's own push payload, and which run of the workflow it is. Nobody but
 * the branch's workflow may take on the role that invokes this function (OIDC).
 */
const WorkflowEvent = z.object({
  source: z.literal("github.actions"),
  push: z.unknown(),
  /** 1, and one more with each re-run by a person. */
  attempt: z.int().min(1).max(999),
  /** Who runs the workflow again, by GitHub's word: the actor of a run stays whoever started it first. */
  startedBy: z.string().min(1).optional(),
});

/** The push that the workflow tells of; undefined: it is not from there. */
export const parseWorkflowPush = (event: unknown): Push | undefined => {
  const read = WorkflowEvent.safeParse(event);
  const push = read.success ? parseGitHubPush(read.data.push) : undefined;
  if (!push || !read.success) return undefined;
  const { attempt, startedBy } = read.data;
  return { ...push, attempt, ...(attempt > 1 && { startedBy: startedBy ?? null }) };
};
