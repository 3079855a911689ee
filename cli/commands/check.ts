import { basename, join, relative, resolve } from "node:path";
import { Command, Option } from "commander";
import { exitCode } from "#cli/exit-code.ts";
import { findDeliveryProblems } from "#cli/find-delivery-problems.ts";
import { findLargeFiles } from "#cli/find-large-files.ts";
import { fetchFolderArtifact } from "#cli/folder-artifact.ts";
import { formatAnnotation } from "#cli/format-annotation.ts";
import { identifyFolder } from "#cli/new-model/identify-folder.ts";
import { refuseFile } from "#cli/new-model/refuse-file.ts";
import { jsonOption } from "#cli/options.ts";
import { paint, print, printJson } from "#cli/print.ts";
import { showProgress } from "#cli/progress.ts";
import { readFolderPolicy } from "#cli/read-folder-policy.ts";
import { readModelFolder } from "#cli/read-model-folder.ts";
import { toRepositoryPath } from "#cli/to-repository-path.ts";
import { computeRequiredTraffic, formatRate } from "#domain/canary/required-rate.ts";
import { listPolicyConflicts } from "#domain/policy/list-policy-conflicts.ts";
import { PolicyInvalid } from "#domain/policy/parse-policy.ts";
import type { Policy } from "#domain/policy/policy.ts";
import { checkModel } from "#model-check/check-model.ts";
import {
  type FolderProblem,
  formatProblem,
  ManifestInvalid,
  stopsDelivery,
} from "#model-folder/manifest/folder-problem.ts";
import { getArtifactFile } from "#model-folder/manifest/get-artifact-file.ts";
import { locateYaml } from "#model-folder/manifest/locate-yaml.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { type FileContent, measureSize } from "#platform/files/file-content.ts";
import { useTemporaryFolder } from "#platform/files/temporary-folder.ts";
import { findRemedy } from "#statemachine/remedies.ts";

type RepositoryPolicy =
  | { readonly status: "absent" }
  | { readonly status: "valid"; readonly policy: Policy }
  | { readonly status: "invalid"; readonly problem: FolderProblem };

/** The repository's policy.yaml, two folders above the model. A delivery of its commit needs it as much as the model. */
const readPolicy = async (folder: string): Promise<RepositoryPolicy> => {
  try {
    const policy = await readFolderPolicy(folder, "the repository's policy");
    return policy ? { status: "valid", policy } : { status: "absent" };
  } catch (error) {
    if (!(error instanceof PolicyInvalid)) throw error;
    const file = join("..", "..", "policy.yaml");
    const message = error.message.replace(/\.$/, "");
    const remedy = "Correct it: a delivery of a commit with it fails.";
    return { status: "invalid", problem: { severity: "error", file, path: "", message, remedy } };
  }
};

/** Undefined for an invalid manifest, whose problems the check lists. */
const tryReadManifest = (files: ReadonlyMap<string, Uint8Array>): Manifest | undefined => {
  try {
    const manifest = files.get("model.yaml");
    return manifest && readManifest(manifest);
  } catch (error) {
    if (error instanceof ManifestInvalid) return undefined;
    throw error;
  }
};

/** Errors of an artefact outside the folder; findRemedy knows them. */
const artifactErrors =
  /^(Artifact(Missing|Differs|Refused|Unreachable|TooLarge)|LfsUnavailable|PermissionMissing|TemporaryFault)$/;

/** Problems of an artefact at an address: the folder has no file that could be corrected. */
const nameAddress =
  (manifest: Manifest | undefined, artifactFile: string) =>
  (problem: FolderProblem): FolderProblem =>
    typeof manifest?.artifact === "object" && problem.file === artifactFile
      ? {
          severity: problem.severity,
          file: "model.yaml",
          path: "artifact",
          message: `${manifest.artifact.uri}: ${problem.message}`,
          remedy: problem.remedy,
        }
      : problem;

/** Checks the folder with its artefact, wherever it is. `notes`: what a person should know beside the problems. */
const checkFolder = (
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
  manifest: Manifest | undefined,
  artifactFile: string,
): Promise<{ readonly problems: readonly FolderProblem[]; readonly notes: readonly string[] }> =>
  useTemporaryFolder("slipway-check-", async (work) => {
    const model = basename(resolve(folder));
    const notes: string[] = [];
    const onKept = (uri: string, file: string) =>
      notes.push(`The artefact was taken from ${relative(".", file)}; ${uri} was not read.`);
    try {
      const artifact = await fetchFolderArtifact(folder, work, { onKept });
      const complete = new Map<string, FileContent>(files);
      if (artifact) complete.set(artifactFile, artifact);
      const problems = await checkModel({ model, files: complete });
      const content = complete.get(artifactFile);
      const delivery = manifest
        ? await findDeliveryProblems(folder, {
            manifest,
            committed: files.get(artifactFile),
            size: content && measureSize(content),
          })
        : [];
      return { problems: [...problems.map(nameAddress(manifest, artifactFile)), ...delivery], notes };
    } catch (error) {
      const isInvalidPolicy = error instanceof PolicyInvalid;
      if (!(error instanceof SlipwayError && (isInvalidPolicy || artifactErrors.test(error.name))))
        throw error;
      const others = (await checkModel({ model, files })).filter(({ file }) => file !== artifactFile);
      // Its own problem is listed beside these.
      if (isInvalidPolicy) return { problems: others, notes };
      // "what happened: what to do."
      const [, message = error.message, remedy = findRemedy(error.name)] =
        /^(.*): (.*)\.$/s.exec(error.message) ?? [];
      const refused: FolderProblem = {
        severity: "error",
        file: "model.yaml",
        path: "artifact",
        message,
        remedy: `${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}.`,
      };
      return { problems: [refused, ...others], notes };
    }
  });

/** What the manifest says although policy.yaml does not allow it, with its lines. */
const findPolicyConflicts = (
  files: ReadonlyMap<string, Uint8Array>,
  manifest: Manifest,
  policy: Policy,
): readonly FolderProblem[] => {
  const conflicts = listPolicyConflicts(manifest, policy);
  if (conflicts.length === 0) return [];
  const locate = locateYaml(new TextDecoder().decode(files.get("model.yaml")));
  return conflicts.map(({ path, ...conflict }) => ({
    ...conflict,
    file: "model.yaml",
    path: path.join("."),
    ...locate(path),
  }));
};

/** How much traffic the canary needs: with less, a delivery bakes for its longest time and ends as inconclusive. */
const describeCanary = ({ canary }: Manifest, policy: Policy): string => {
  const { requests, perMinute } = computeRequiredTraffic(canary, policy.canary.limits);
  const rate = formatRate(perMinute, Math.ceil);
  const needed = `${requests} requests to each version at each step (${canary.steps.join(", ")} %) within ${canary.atMost}`;
  return Number.isFinite(perMinute)
    ? `A canary of it needs ${rate} on prod: ${needed}.`
    : `No traffic is enough for a canary of it: it needs ${Number.isFinite(requests) ? needed : "more than any number of requests, because the policy allows no error"}, and each step lasts ${canary.bake} at least.`;
};

/** Throws NewModelRefused for a folder that another tool wrote. */
const refuseOtherFolder = async (folder: string): Promise<void> => {
  const found = await identifyFolder(folder);
  if (found && found.what !== "a folder")
    throw refuseFile(folder, "a model's folder of Slipway", {
      ...found,
      remedy: `${found.remedy.replace(/:$/, "")}, and write a folder with \`slipway new\`${found.lines.length > 0 ? ":" : "."}`,
    });
};

type Options = { readonly json?: boolean; readonly format?: "github" | "text" };

/** https://docs.github.com/en/actions/reference/workflows-and-actions/variables#default-environment-variables */
const defaultFormat = (): "github" | "text" => (process.env.GITHUB_ACTIONS === "true" ? "github" : "text");

// Only the file is a path: a message may hold an address, whose slashes join would drop.
const formatForPeople = (folder: string, problem: FolderProblem): string =>
  `${stopsDelivery(problem) ? paint("red", "✗") : paint("yellow", "!")} ${formatProblem({ ...problem, file: join(folder, problem.file) })}`;

const formatForGitHub = (folder: string, problem: FolderProblem): string =>
  formatAnnotation({
    ...problem,
    file: toRepositoryPath(folder, problem.file, { workspace: process.env.GITHUB_WORKSPACE }),
  });

/** `slipway check`: all problems of a model's folder, with lines and remedies. */
export const checkCommand = (): Command =>
  new Command("check")
    .description("check a model's folder before you commit it")
    .argument("<folder>", "models/<name>")
    .addOption(jsonOption("the problems, with severity, place and remedy"))
    .addOption(
      new Option(
        "--format <format>",
        "github: problems as annotations of a pull request (default in GitHub Actions); text: for people",
      )
        .choices(["github", "text"])
        .conflicts("json"),
    )
    .action(async (folder: string, { json, format = defaultFormat() }: Options) => {
      const files = await readModelFolder(folder);
      if (!files.has("model.yaml")) await refuseOtherFolder(folder);
      const manifest = tryReadManifest(files);
      const artifactFile = manifest ? getArtifactFile(manifest) : "model.onnx";
      const policy = await readPolicy(folder);
      showProgress(`Checking ${folder}: the model runs on its golden rows`);
      const checked = await checkFolder(folder, files, manifest, artifactFile);
      const problems = [
        ...checked.problems,
        ...(await findLargeFiles(folder, files, artifactFile)),
        ...(policy.status === "invalid" ? [policy.problem] : []),
        ...(policy.status === "valid" && manifest ? findPolicyConflicts(files, manifest, policy.policy) : []),
      ];
      const fails = problems.some(stopsDelivery);
      if (json) printJson(problems);
      else {
        for (const problem of problems)
          print(format === "github" ? formatForGitHub(folder, problem) : formatForPeople(folder, problem));
        for (const note of checked.notes) print(`  ${note}`);
        if (!fails) {
          print(`${paint("green", "✓")} ${folder} is ready for delivery.`);
          if (policy.status === "valid" && manifest) print(`  ${describeCanary(manifest, policy.policy)}`);
        }
      }
      if (fails) process.exitCode = exitCode.failed;
    });
