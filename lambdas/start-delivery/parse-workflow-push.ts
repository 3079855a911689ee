import * as z from "zod";
import { parseGitHubPush } from "./parse-github-push.ts";
import type { Push } from "./push.ts";

/**
 * What `.github/workflows/deliver.yml` sends: GitHub's push payload and the number of the run. Only the branch's
 * workflow can assume the role that invokes this function (OIDC).
 */
const WorkflowEvent = z.object({
  source: z.literal("github.actions"),
  push: z.unknown(),
  /** 1, plus 1 for each re-run by a person. */
  attempt: z.int().min(1).max(999),
  /** Who runs the workflow again, as GitHub names them: the actor of a run stays the person who started it first. */
  startedBy: z.string().min(1).optional(),
});

/** The push that the workflow sent; undefined for any other event. */
export const parseWorkflowPush = (event: unknown): Push | undefined => {
  const parsed = WorkflowEvent.safeParse(event);
  const push = parsed.success ? parseGitHubPush(parsed.data.push) : undefined;
  if (!push || !parsed.success) return undefined;
  const { attempt, startedBy } = parsed.data;
  return { ...push, attempt, ...(attempt > 1 && { startedBy: startedBy ?? null }) };
};
