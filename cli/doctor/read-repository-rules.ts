import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parsePolicy } from "#domain/policy/parse-policy.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import type { Source } from "#platform/source/source.ts";

type RepositoryFiles = {
  /** For messages: "the repository models at 0123456789ab", "this checkout". */
  readonly where: string;
  readonly models: readonly string[];
  /** By the path from the repository's root. */
  readonly file: (path: string) => Promise<Uint8Array | undefined>;
};

/** What a repository's policy and manifests ask of the accounts and of Slack. */
export type RepositoryRules = {
  readonly where: string;
  readonly models: readonly { readonly name: string; readonly memoryMb: number }[];
  /** Each approver's Slack id with the files that name it. */
  readonly approvers: ReadonlyMap<string, readonly string[]>;
  /** Files that cannot be read, each as a sentence. */
  readonly problems: readonly string[];
};

/** The delivered branch of the source. Throws CommitNotFound. */
export const openSourceFiles = async (
  source: Source,
  repository: string,
  branch: string,
): Promise<RepositoryFiles> => {
  const { id } = await source.commit(branch);
  return {
    where: `the repository ${repository} at ${id.slice(0, 12)}`,
    models: await source.models(id),
    file: (path) => source.file(path, id),
  };
};

/** The files of a checkout. */
export const openFolderFiles = async (folder: string): Promise<RepositoryFiles> => ({
  where: "this checkout",
  models: await readdir(join(folder, "models"), { withFileTypes: true }).then(
    (entries) => entries.filter((entry) => entry.isDirectory()).map(({ name }) => name),
    () => [],
  ),
  file: (path) => readFile(join(folder, path)).catch(() => undefined),
});

/** Reads policy.yaml and each model.yaml. */
export const readRepositoryRules = async ({
  where,
  models,
  file,
}: RepositoryFiles): Promise<RepositoryRules> => {
  const approvers = new Map<string, string[]>();
  const problems: string[] = [];
  const read = async <T>(path: string, parse: (bytes: Uint8Array) => T): Promise<T | undefined> => {
    const bytes = await file(path);
    if (bytes === undefined) return undefined;
    try {
      return parse(bytes);
    } catch (error) {
      const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
      problems.push(`${path} of ${where} cannot be read: ${line}`);
      return undefined;
    }
  };
  const note = (path: string, ids: readonly string[]) => {
    for (const id of ids) approvers.set(id, [...(approvers.get(id) ?? []), path]);
  };
  const policy = await read("policy.yaml", (bytes) => parsePolicy(bytes, "policy.yaml"));
  note("policy.yaml", policy?.approval.approvers ?? []);
  const readModels: { name: string; memoryMb: number }[] = [];
  for (const name of models) {
    const path = `models/${name}/model.yaml`;
    const manifest = await read(path, readManifest);
    if (manifest === undefined) continue;
    readModels.push({ name, memoryMb: manifest.resources.memoryMb });
    note(path, manifest.approval.approvers);
  }
  return { where, models: readModels, approvers, problems };
};
