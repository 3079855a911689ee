import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { placeholderApprover } from "#cli/doctor/placeholder-approver.ts";
import { UsageMistake } from "#cli/errors.ts";
import { parsePolicy } from "#domain/policy/parse-policy.ts";
import { parseYaml } from "#model-folder/manifest/parse-yaml.ts";
import { type AnswerName, Answers } from "./answers.ts";
import { readEarlierAnswers } from "./apply-answers.ts";
import type { GivenAnswers } from "./collect-answers.ts";
import { fileNames, loadConfig, readConfigText } from "./prepare-files.ts";

const isAnswerName = (name: string): name is AnswerName => Object.hasOwn(Answers.shape, name);

/** Answers of a YAML or JSON file. Throws UsageMistake. */
export const readAnswersFile = async (path: string): Promise<GivenAnswers> => {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new UsageMistake(`${path} cannot be read: ${error instanceof Error ? error.message : error}`);
  });
  const result = parseYaml(text, { maxAliases: 0 });
  if (result.status !== "read" || typeof result.value !== "object" || result.value === null)
    throw new UsageMistake(`${path} is not a YAML or JSON object of answers.`);
  const unknown = Object.keys(result.value).filter((name) => !isAnswerName(name));
  if (unknown.length > 0)
    throw new UsageMistake(
      `${path} has ${unknown.join(", ")}, which is no answer: use ${Object.keys(Answers.shape).join(", ")}. Secrets do not belong there.`,
    );
  return result.value;
};

/**
 * The answers of earlier runs, as defaults. The configuration and the policy come first: a person may have changed them
 * by hand since.
 */
export const readEarlier = async (folder: string): Promise<GivenAnswers> => {
  const config = await loadConfig(await readConfigText(folder));
  const answers = join(folder, fileNames.answers);
  const saved = existsSync(answers) ? await readAnswersFile(answers) : {};
  const policy = await readFile(join(folder, fileNames.policy)).catch(() => undefined);
  const approvers = policy === undefined ? [] : parsePolicy(policy, fileNames.policy).approval.approvers;
  return {
    ...saved,
    ...readEarlierAnswers(config),
    ...(approvers.length === 0 || approvers.includes(placeholderApprover) ? {} : { approvers }),
  };
};
