import * as z from "zod";
import { CommitId } from "#platform/source/source.ts";
import type { Push } from "./push.ts";

/**
 * The parts of CodeCommit's event on EventBridge that are read. It does not say whether the branch was rewritten: IAM
 * decides who may do that (codecommit:GitPush).
 * https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html
 */
const RepositoryChanged = z.object({
  source: z.literal("aws.codecommit"),
  detail: z.object({
    event: z.string(),
    repositoryName: z.string(),
    referenceType: z.string(),
    referenceName: z.string(),
    /** Absent when the reference was deleted. */
    commitId: CommitId.optional(),
    /** Absent when it was created. */
    oldCommitId: CommitId.optional(),
    callerUserArn: z.string().optional(),
  }),
});

/** Another kind of reference (a note) is not a branch, even with a branch's name. */
const folders = new Map([
  ["branch", "heads"],
  ["tag", "tags"],
]);

/** The push in a CodeCommit event; undefined for any other event. */
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
