import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { parse, stringify } from "yaml";
import { placeholderApprover } from "#cli/doctor/placeholder-approver.ts";
import { UsageMistake } from "#cli/errors.ts";
import { parsePolicy } from "#domain/policy/parse-policy.ts";
import { type Accounts, ConfigInvalid, isConfig, readConfig } from "#terraform/read-config.ts";
import { Answers } from "./answers.ts";
import { applyChanges, listConfigChanges } from "./apply-answers.ts";
import { editApprovers, hasApprovers } from "./edit-approvers.ts";
import { editConfig } from "./edit-config.ts";
import { listCommands } from "./list-commands.ts";

/** The files of a checkout that `slipway init aws` reads and writes. */
export const fileNames = {
  config: join("terraform", "config.ts"),
  policy: "policy.yaml",
  /** The answers, as defaults of the next run. */
  answers: "slipway.init.yaml",
  commands: "first-deployment.md",
} as const;

export type PreparedFile = {
  /** From the checkout's folder. */
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string;
};

const readText = (path: string): Promise<string | undefined> =>
  readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });

/** The text of the checkout's configuration. Throws UsageMistake where there is none. */
export const readConfigText = async (folder: string): Promise<string> => {
  const text = await readText(join(folder, fileNames.config));
  if (text === undefined)
    throw new UsageMistake(
      `Nothing was written. ${folder} has no ${fileNames.config}: name Slipway's checkout with --folder.`,
    );
  return text;
};

/** Loads a configuration from its text. Throws UsageMistake where it is not TypeScript. */
export const loadConfig = async (text: string): Promise<Accounts> => {
  const folder = await mkdtemp(join(tmpdir(), "slipway-config-"));
  try {
    // Its only import is of types. A new name each time: modules are cached by their URL.
    const file = join(folder, "config.ts");
    await writeFile(file, text);
    const module: { readonly config: unknown } = await import(pathToFileURL(file).href);
    return isConfig(module.config) ? module.config : readConfig(module.config);
  } catch (error) {
    throw new UsageMistake(
      `Nothing was written. terraform/config.ts cannot be read: ${error instanceof Error ? error.message : error}. Correct it, or restore it with git.`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const prepareConfig = async (
  text: string,
  answers: Answers,
  randomHex: () => string,
): Promise<{ readonly after: string; readonly config: Accounts }> => {
  const current = await loadConfig(text);
  const changes = listConfigChanges(current, answers, randomHex);
  let config: Accounts;
  try {
    config = readConfig(applyChanges(current, changes));
  } catch (error) {
    if (!(error instanceof ConfigInvalid)) throw error;
    throw new UsageMistake(`Nothing was written. With these answers ${error.message}`);
  }
  const after = editConfig(text, changes);
  if (!isDeepStrictEqual(await loadConfig(after), config))
    throw new UsageMistake(
      "Nothing was written. terraform/config.ts computes its values in a way that this command does not edit. Change it by hand: docs/infrastructure.md, step 1.",
    );
  return { after, config };
};

/** The approvers that an earlier run wrote; undefined: there was none. */
const readFormerApprovers = async (folder: string): Promise<readonly string[] | undefined> => {
  const text = await readText(join(folder, fileNames.answers));
  if (text === undefined) return undefined;
  return Answers.pick({ approvers: true }).loose().safeParse(parse(text)).data?.approvers;
};

/** policy.yaml, and the manifests that still name the shipped example or what an earlier run wrote. */
const prepareApprovers = async (folder: string, approvers: readonly string[]): Promise<PreparedFile[]> => {
  const former = await readFormerApprovers(folder);
  const isOurs = (manifest: string): boolean =>
    manifest.includes(placeholderApprover) || (former !== undefined && hasApprovers(manifest, former));
  const models = await readdir(join(folder, "models")).catch(() => []);
  const paths = [fileNames.policy, ...models.map((model) => join("models", model, "model.yaml"))];
  const files: PreparedFile[] = [];
  for (const path of paths) {
    const before = await readText(join(folder, path));
    if (before === undefined) continue;
    if (path !== fileNames.policy && !isOurs(before)) continue;
    const after = editApprovers(before, approvers);
    if (after === undefined)
      throw new UsageMistake(
        `Nothing was written. The approvers of ${path} are not a list on one line. Write it there yourself, approvers: [${approvers.join(", ")}], and run the command again.`,
      );
    // The policy refuses approvers that do not reach its quorum.
    if (path === fileNames.policy) parsePolicy(new TextEncoder().encode(after), path);
    files.push({ path, before, after });
  }
  return files;
};

/**
 * The files that the answers change, with their contents before and after; nothing is written. Throws UsageMistake, or
 * PolicyInvalid.
 */
export const prepareFiles = async (
  folder: string,
  answers: Answers,
  { randomHex }: { readonly randomHex: () => string },
): Promise<readonly PreparedFile[]> => {
  const text = await readConfigText(folder);
  const { after, config } = await prepareConfig(text, answers, randomHex);
  const own = {
    [fileNames.answers]: `# The answers of \`slipway init aws\`, which offers them again. No secret belongs here.\n${stringify(answers)}`,
    [fileNames.commands]: listCommands(answers, config),
  };
  const files: PreparedFile[] = [
    { path: fileNames.config, before: text, after },
    ...(await prepareApprovers(folder, answers.approvers)),
  ];
  for (const [path, content] of Object.entries(own))
    files.push({ path, before: await readText(join(folder, path)), after: content });
  return files.filter((file) => file.before !== file.after);
};
