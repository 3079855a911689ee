import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { GitFailed, runGit, streamGit } from "./run-git.ts";

type CloneDependencies = {
  /** An empty folder, created if missing. */
  readonly folder: string;
  /** The repository's address for git. */
  readonly url: string;
  /** Milliseconds for a clone. */
  readonly limitMs?: number;
};

/** Streams a blob of a commit by git's id of it. */
export type OpenGitBlob = (commit: string, blob: string) => AsyncIterable<Uint8Array>;

/**
 * The AWS CLI signs git's requests with the caller's credentials. The empty first value drops every helper of the machine.
 * https://docs.aws.amazon.com/codecommit/latest/userguide/setting-up-https-unixes.html
 */
const credentials = [
  "credential.helper=",
  "credential.helper=!aws codecommit credential-helper $@",
  "credential.UseHttpPath=true",
].flatMap((setting) => ["-c", setting]);

/**
 * git itself waits without end: these stop a clone with less than 1 KB/s for 30 s, or after 15 of the build's 25 minutes.
 * https://git-scm.com/docs/git-config#Documentation/git-config.txt-httplowSpeedLimit
 */
const deadlines = ["http.lowSpeedLimit=1000", "http.lowSpeedTime=30"].flatMap((setting) => ["-c", setting]);
const defaultLimitMs = 15 * 60_000;

export const toCodeCommitUrl = (region: string, repository: string): string =>
  `https://git-codecommit.${region}.amazonaws.com/v1/repos/${repository}`;

/**
 * Reads blobs that CodeCommit's API does not return because they are too large (6 MB), from a bare clone: no file of the
 * commit is checked out, and none of its settings counts. Throws TemporaryFault, and GitFailed for a broken repository.
 */
export const createCodeCommitClone = ({
  folder,
  url,
  limitMs = defaultLimitMs,
}: CloneDependencies): OpenGitBlob => {
  const git = runGit(folder);
  const fetchRefs = async (signal: AbortSignal, ...args: readonly string[]): Promise<void> => {
    const fetch = [...credentials, ...deadlines, "fetch", "--quiet", "--no-tags", ...args];
    for await (const _ of streamGit(folder)(fetch, { signal }));
  };

  const cloneCommit = async (commit: string): Promise<void> => {
    await mkdir(folder, { recursive: true });
    await git(["init", "--quiet", "--bare"]);
    const signal = AbortSignal.timeout(limitMs);
    // A server may refuse to send a commit that is no branch's tip: then all branches are fetched.
    await fetchRefs(signal, "--depth=1", url, commit)
      .catch(() => fetchRefs(signal, url, "+refs/heads/*:refs/heads/*"))
      .catch((error: unknown) => {
        throw new TemporaryFault(
          `CodeCommit could not be cloned: ${error instanceof Error ? error.message : error}`,
          {
            cause: error,
          },
        );
      });
  };
  const clones = new Map<string, Promise<void>>();
  const ensureClone = (commit: string): Promise<void> => {
    const clone = clones.get(commit) ?? cloneCommit(commit);
    clones.set(commit, clone);
    return clone;
  };

  return async function* (commit, blob) {
    await ensureClone(commit);
    const { code, stdout } = await git(["cat-file", "-s", blob]);
    if (code !== 0) throw new GitFailed(`${url} has no object ${blob} of ${commit}: deliver again.`);
    const hash = createHash("sha1").update(`blob ${stdout.toString("utf8").trim()}\0`);
    for await (const chunk of streamGit(folder)(["cat-file", "blob", blob])) {
      hash.update(chunk);
      yield chunk;
    }
    if (hash.digest("hex") !== blob)
      throw new TemporaryFault(`git gave other bytes for ${blob} than CodeCommit names: deliver again.`);
  };
};
