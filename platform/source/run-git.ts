import { type ExecFileException, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { SlipwayError } from "#platform/errors/slipway-error.ts";

/** git could not work: it is missing, the folder is not a repository, or it took too long. */
export class GitFailed extends SlipwayError {
  override readonly name = "GitFailed";
  override readonly retryable = false;
}

type GitResult = { readonly code: number; readonly stdout: Buffer; readonly stderr: string };

export type GitOptions = { readonly input?: string; readonly maxBytes?: number };

const timeoutMs = 60_000;

/** Without the caller's GIT_* variables: inside a hook they would point git at another repository. */
const createGitEnvironment = (from: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(from).filter(([name]) => !name.startsWith("GIT_"))),
  LC_ALL: "C",
  GIT_TERMINAL_PROMPT: "0",
  GIT_OPTIONAL_LOCKS: "0",
  GIT_NO_REPLACE_OBJECTS: "1",
});

const settings = ["core.quotePath=false", "i18n.logOutputEncoding=UTF-8", "log.showSignature=false"];

const createArguments = (repository: string, args: readonly string[]): string[] => [
  "-C",
  repository,
  ...settings.flatMap((setting) => ["-c", setting]),
  ...args,
];

const explainFailure = (repository: string, error: ExecFileException): string => {
  if (error.code === "ENOENT")
    return "git cannot be started: install it, and see that `git --version` answers.";
  if (error.code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER")
    return `git gave more than was asked of ${repository}.`;
  if (error.killed)
    return `git took more than ${timeoutMs / 1_000} s in ${repository}: run \`git fsck\` there.`;
  return `git failed in ${repository}: ${error.message}`;
};

/**
 * Runs git in a repository without a shell. A code other than 0 is a result, not an error: the caller knows
 * what it means. Throws GitFailed if git did not run, took over a minute or returned over `maxBytes` (64 MB).
 */
export const runGit =
  (repository: string) =>
  (args: readonly string[], options: GitOptions = {}): Promise<GitResult> =>
    new Promise((resolve, reject) => {
      const child = execFile(
        "git",
        createArguments(repository, args),
        {
          encoding: "buffer",
          env: createGitEnvironment(process.env),
          maxBuffer: options.maxBytes ?? 64 * 1024 * 1024,
          timeout: timeoutMs,
          windowsHide: true,
        },
        (error, stdout, stderr) => {
          const text = stderr.toString("utf8").trim();
          if (error === null) return resolve({ code: 0, stdout, stderr: text });
          if (typeof error.code === "number") {
            const unusable = /not a git repository|cannot change to|dubious ownership/.exec(text);
            if (unusable !== null) return reject(new GitFailed(`${repository}: ${text}`, { cause: error }));
            return resolve({ code: error.code, stdout, stderr: text });
          }
          reject(new GitFailed(explainFailure(repository, error), { cause: error }));
        },
      );
      // git may end before it has read all of its input; only its exit code counts.
      child.stdin?.on("error", () => undefined);
      child.stdin?.end(options.input ?? "");
    });

/** The command of git's arguments, after its settings. */
const findCommand = (args: readonly string[]): string | undefined =>
  args.find((argument, index) => argument !== "-c" && args[index - 1] !== "-c");

/**
 * Runs git in a repository without a shell, and streams its output: of any size, never all in memory. Throws GitFailed if
 * git did not run, ended with another code than 0 or was stopped by `signal`; then the output was not complete.
 */
export const streamGit = (repository: string) =>
  async function* (
    args: readonly string[],
    { input = "", signal }: { readonly input?: string; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const createLateError = () => new GitFailed(`git ${findCommand(args)} took too long in ${repository}`);
    if (signal?.aborted) throw createLateError();
    const child = spawn("git", createArguments(repository, args), {
      env: createGitEnvironment(process.env),
      stdio: "pipe",
      windowsHide: true,
      // A group of its own, because git's helper for https would go on and hold the pipes open.
      detached: signal !== undefined,
    });
    const stop = () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      if (signal === undefined || child.pid === undefined) return void child.kill();
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // All of them have ended.
      }
    };
    signal?.addEventListener("abort", stop, { once: true });
    // A failed start emits an error in place of the exit; its message comes with the exit code otherwise.
    const closed = once(child, "close").catch((error: ExecFileException) => {
      throw new GitFailed(explainFailure(repository, error), { cause: error });
    });
    const errors = text(child.stderr);
    // git may end before it has read all of its input; only its exit code counts.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    try {
      yield* child.stdout;
      const [code, killedBy] = await closed;
      if (signal?.aborted) throw createLateError();
      if (code !== 0)
        throw new GitFailed(
          `git ${findCommand(args)} ended with ${code ?? killedBy} in ${repository}: ${await errors}`,
        );
    } finally {
      // The reader may have stopped early.
      signal?.removeEventListener("abort", stop);
      stop();
      await Promise.allSettled([closed, errors]);
    }
  };
