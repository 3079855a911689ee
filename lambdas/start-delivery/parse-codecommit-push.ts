import * as z from "zod";
import { CommitId } from "#platform/source/source.ts";
import type { Push } from "./push.ts";

/**
 * What is read of CodeCommit's event on EventBridge. It does not say whether the branch was rewritten: who may do that
 * is said by IAM (codecommit:GitPush).
 * https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html
 */
const RepositoryChanged = z.object({
  source: z.literal("aws.codecommit"),
  detail: z.object({
    event: z.string(),
    repositoryName: z.string(),
    referenceType: z.string(),
    referenceName: z.string(),
    /** Absent where the reference was deleted. */
    commitId: CommitId.optional(),
    /** Absent where it was created. */
    oldCommitId: CommitId.optional(),
    callerUserArn: z.string().optional(),
  }),
});

/** What else may have a name (a note) is no branch of that name. */
const folders = new Map([
  ["branch", "heads"],
  ["tag", "tags"],
]);

/** The push that a CodeCommit event tells of; undefined: it is no such event. */
export const parseCodeCommitPush = (event: unknown): Push | undefined => {
  const changed = RepositoryChanged.safeParse(event);
  if (!changed.success) return undefined;
  const { detail } = changed.data;
  return {
    repository: detail.repositoryName,
    ref: `refs/${folders.get(detail.referenceType) ?? detail.referenceType}/${detail.referenceName}`,
    before: detail.oldCommitId ?? null,
    after: detail.event === "referenceDeleted" ? null : (detail.commitId ?? null),
    forced: false,
    pusher: detail.callerUserArn ?? null,
    attempt: 1,
  };
};
