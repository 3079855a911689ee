/**
 * The action .github/actions/check: `slipway check` for each model that differs between $BASE and the checked-out commit, for
 * all of them where policy.yaml differs. Exit code 0: all are ready; 1: a problem, or something could not be checked.
 */
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { appendFileSync, existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { selectAnnotations } from "#cli/select-annotations.ts";
import { toRepositoryPath } from "#cli/to-repository-path.ts";
import { FolderProblems } from "#model-check/folder-problems-schema.ts";
import { type FolderProblem, formatProblem, stopsDelivery } from "#model-folder/manifest/folder-problem.ts";

const command = fileURLToPath(new URL("../cli/slipway.mjs", import.meta.url));
const CommandError = z.object({ error: z.object({ message: z.string(), remedy: z.string().nullish() }) });
const outputLimit = 50_000_000;
/** GitHub takes 1 MiB of a step's summary. */
const summaryLimit = 1_000_000;

/** Throws where git fails: models that nobody found must not look checked. */
const git = (...args: readonly string[]): string => {
  const { status, stdout, stderr, error } = spawnSync("git", args, {
    encoding: "utf8",
    maxBuffer: outputLimit,
  });
  if (status === 0) return stdout;
  throw new Error(`git ${args[0]} failed: ${(error?.message ?? stderr).trim()}`);
};

const hasCommit = (commit: string): boolean =>
  spawnSync("git", ["cat-file", "-e", `${commit}^{commit}`], { stdio: "ignore" }).status === 0;

const listFolders = (): readonly string[] =>
  existsSync("models")
    ? readdirSync("models", { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() ? [entry.name] : [],
      )
    : [];

/** Throws where the commit to compare with is missing. */
const listChangedModels = (base: string): readonly string[] => {
  if (!/^\w[\w./-]*$/.test(base))
    throw new Error(
      "There is no commit to compare with. Use this action on pull_request, or set its input base to a commit.",
    );
  // A shallow checkout lacks it.
  if (!hasCommit(base)) git("fetch", "--quiet", "--no-tags", "--depth=1", "origin", base);
  const changed = git("diff", "--name-only", "--no-renames", "-z", base, "HEAD", "--").split("\0");
  const names = changed.flatMap((path) => /^models\/([^/]+)\//.exec(path)?.[1] ?? []);
  const folders = listFolders();
  // A removed model has nothing to check.
  return (
    changed.includes("policy.yaml") ? folders : folders.filter((name) => names.includes(name))
  ).toSorted();
};

const toProblem = (file: string, message: string, remedy = ""): FolderProblem => ({
  severity: "error",
  file,
  path: "",
  message: message.trim().replace(/\.$/, ""),
  remedy: `The model was not checked. ${remedy}`.trim(),
});

const checkModel = (name: string): readonly FolderProblem[] => {
  const folder = `models/${name}`;
  const { status, signal, stdout, error } = spawnSync(
    process.execPath,
    [command, "check", folder, "--json"],
    {
      encoding: "utf8",
      maxBuffer: outputLimit,
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const fail = (message: string, remedy?: string | null) => [
    toProblem(toRepositoryPath(folder, "model.yaml"), message, remedy ?? undefined),
  ];
  if (error || status === null) return fail(`\`slipway check\` was ended by ${error?.message ?? signal}`);
  let output: unknown;
  try {
    output = JSON.parse(stdout);
  } catch {
    return fail(`\`slipway check\` ended with code ${status} and no result; the log has its error`);
  }
  const problems = FolderProblems.safeParse(output);
  if (!problems.success) {
    const refused = CommandError.safeParse(output).data?.error;
    return fail(
      refused?.message ?? `\`slipway check\` ended with code ${status} and an unknown result`,
      refused?.remedy,
    );
  }
  const found = problems.data.map((problem): FolderProblem => {
    const { line, column, failsDelivery, ...rest } = problem;
    return {
      ...rest,
      file: toRepositoryPath(folder, problem.file),
      ...(line === undefined ? {} : { line }),
      ...(column === undefined ? {} : { column }),
      ...(failsDelivery === undefined ? {} : { failsDelivery }),
    };
  });
  return status === 0 || found.some(stopsDelivery)
    ? found
    : [...found, ...fail(`\`slipway check\` ended with code ${status}`)];
};

const escapeMarkdown = (text: string): string =>
  text.replaceAll(/[\\`*_{}[\]<>()#+!|@~-]/g, "\\$&").replaceAll(/\s+/g, " ");

const summarize = (checked: ReadonlyMap<string, readonly FolderProblem[]>): string => {
  const lines = [...checked].flatMap(([name, problems]) => [
    `### ${problems.some(stopsDelivery) ? "✗" : "✓"} ${escapeMarkdown(name)}`,
    "",
    ...problems.map(
      (problem) => `- ${stopsDelivery(problem) ? "✗" : "!"} ${escapeMarkdown(formatProblem(problem))}`,
    ),
    "",
  ]);
  let size = 0;
  const fitting = lines.filter((line) => {
    size += Buffer.byteLength(line) + 1;
    return size <= summaryLimit;
  });
  return `${fitting.join("\n")}\n`;
};

const run = (): number => {
  // Texts of a pull request stand in the log: between these lines GitHub takes none of them for a command.
  const marker = randomUUID();
  console.log(`::stop-commands::${marker}`);
  const checked = new Map<string, readonly FolderProblem[]>();
  let annotations: readonly string[];
  try {
    for (const name of listChangedModels(process.env.BASE ?? "")) {
      const problems = checkModel(name);
      checked.set(name, problems);
      for (const problem of problems)
        console.log(`${stopsDelivery(problem) ? "✗" : "!"} ${formatProblem(problem)}`);
    }
    annotations = selectAnnotations([...checked.values()]);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    checked.set("the pull request", [toProblem("", message)]);
    annotations = [
      `::error title=slipway check::${message.replaceAll("%", "%25").replaceAll(/\r?\n/g, "%0A")}`,
    ];
    console.log(message);
  }
  console.log(`::${marker}::`);
  for (const annotation of annotations) console.log(annotation);
  if (process.env.GITHUB_STEP_SUMMARY) appendFileSync(process.env.GITHUB_STEP_SUMMARY, summarize(checked));
  const failed = [...checked.values()].some((problems) => problems.some(stopsDelivery));
  if (!checked.has("the pull request")) console.log(`Models checked: ${checked.size}.`);
  return failed ? 1 : 0;
};

process.exitCode = run();
