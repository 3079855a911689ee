import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { placeholderApprover } from "#cli/doctor/placeholder-approver.ts";
import { UsageMistake } from "#cli/errors.ts";
import { parsePolicy } from "#domain/policy/parse-policy.ts";
import { findNearestName } from "#model-folder/manifest/find-nearest-name.ts";
import { parseYaml } from "#model-folder/manifest/parse-yaml.ts";
import { type AnswerName, Answers } from "./answers.ts";
import { readEarlierAnswers } from "./apply-answers.ts";
import type { GivenAnswers } from "./collect-answers.ts";
import { fileNames, loadConfig, readConfigText } from "./prepare-files.ts";

const isAnswerName = (name: string): name is AnswerName => Object.hasOwn(Answers.shape, name);

const explainUnknown = (path: string, name: string): string => {
  const names = Object.keys(Answers.shape);
  const nearest = findNearestName(name, names);
  return `${path}: ${name} is no answer. ${nearest === undefined ? `Use ${names.join(", ")}. Secrets do not belong there.` : `Did you mean ${nearest}?`}`;
};

/** Answers of a YAML or JSON file, and a sentence for each key that is none. Throws UsageMistake. */
export const readAnswersFile = async (
  path: string,
): Promise<{ readonly answers: GivenAnswers; readonly problems: readonly string[] }> => {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new UsageMistake(`${path} cannot be read: ${error instanceof Error ? error.message : error}`);
  });
  const result = parseYaml(text, { maxAliases: 0 });
  if (result.status !== "read" || typeof result.value !== "object" || result.value === null)
    throw new UsageMistake(`${path} is not a YAML or JSON object of answers.`);
  const entries = Object.entries(result.value);
  return {
    answers: Object.fromEntries(entries.filter(([name]) => isAnswerName(name))),
    problems: entries.flatMap(([name]) => (isAnswerName(name) ? [] : [explainUnknown(path, name)])),
  };
};

/**
 * The answers of earlier runs, as defaults. The configuration and the policy come first: a person may have changed them
 * by hand since.
 */
export const readEarlier = async (folder: string): Promise<GivenAnswers> => {
  const config = await loadConfig(await readConfigText(folder));
  const answers = join(folder, fileNames.answers);
  const saved = existsSync(answers) ? (await readAnswersFile(answers)).answers : {};
  const policy = await readFile(join(folder, fileNames.policy)).catch(() => undefined);
  const approvers = policy === undefined ? [] : parsePolicy(policy, fileNames.policy).approval.approvers;
  return {
    ...saved,
    ...readEarlierAnswers(config),
    ...(approvers.length === 0 || approvers.includes(placeholderApprover) ? {} : { approvers }),
  };
};
