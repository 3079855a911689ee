import type { FolderProblem } from "#model-folder/manifest/folder-problem.ts";
import { type FileContent, measureSize } from "#platform/files/file-content.ts";
import { runGit } from "#platform/source/run-git.ts";

/** CodeCommit returns no larger file. https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html */
const codeCommitLimitBytes = 6_000_000;

/** Whether the repository of a folder is pushed to CodeCommit; false: another host, or none is known. */
export const isOnCodeCommit = async (folder: string): Promise<boolean> => {
  const remotes = await runGit(folder)(["remote", "--verbose"]).catch(() => undefined);
  return /\bgit-codecommit\.|codecommit:/.test(remotes?.stdout.toString("utf8") ?? "");
};

/**
 * One problem for each file but the artefact that CodeCommit does not return to the steps: an error where the repository
 * is there, otherwise a warning, because the repository may get there.
 */
export const findLargeFiles = async (
  folder: string,
  files: ReadonlyMap<string, FileContent>,
  artifact: string,
): Promise<readonly FolderProblem[]> => {
  const large = [...files].filter(
    ([name, content]) => name !== artifact && measureSize(content) > codeCommitLimitBytes,
  );
  if (large.length === 0) return [];
  const severity = (await isOnCodeCommit(folder)) ? "error" : "warning";
  return large.map(([file, content]) => ({
    severity,
    file,
    path: "",
    message: `has ${(measureSize(content) / 1e6).toFixed(1)} MB (limit 6 MB on CodeCommit, which returns no larger file to the steps)`,
    remedy: "Make it smaller, for example with fewer rows, or remove it; only the artefact may be larger.",
  }));
};
