import { UsageMistake } from "#cli/errors.ts";
import { type AnswerName, Answers } from "./answers.ts";
import { questions } from "./questions.ts";

/** Answers as texts, or lists of them, of any form. */
export type GivenAnswers = Readonly<Partial<Record<AnswerName, unknown>>>;

type Needs = {
  /** From flags and a file: never asked again. */
  readonly given: GivenAnswers;
  /** From an earlier run and the configuration: the defaults. */
  readonly earlier: GivenAnswers;
  /** Undefined: there is no terminal. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  readonly print: (text: string) => void;
  /** Mistakes of the file that belong to no question. */
  readonly problems?: readonly string[];
};

/** Tokens of Slack, GitHub and AWS. An answer is written to files, so none may be one. */
const secretPattern = /xox[a-z]-|xapp-|gh[pousr]_\w{20}|github_pat_|AKIA[A-Z0-9]{12}|PRIVATE KEY/;

const lists: ReadonlySet<AnswerName> = new Set<AnswerName>(["approvers", "alarmEmails", "operators"]);

/** A text of the terminal or the command line in the form of its answer. */
export const parseText = (name: AnswerName, text: string): unknown =>
  lists.has(name)
    ? text
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== "")
    : text.trim();

const accounts: ReadonlySet<AnswerName> = new Set<AnswerName>(["tooling", "stage", "prod"]);

/**
 * An answer of a file in the form of its answer. YAML reads an account id without quotes as a number: with 12 digits it
 * can only be that id, with fewer it lost its zeros.
 */
const normalize = (name: AnswerName, value: unknown): unknown => {
  if (typeof value === "string") return parseText(name, value);
  return accounts.has(name) && typeof value === "number" && /^\d{12}$/.test(String(value))
    ? String(value)
    : value;
};

const formatAnswer = (value: unknown): string => (Array.isArray(value) ? value.join(",") : String(value));

/** Undefined: the answer is right. */
const explainMistake = (name: AnswerName, value: unknown): string | undefined => {
  if (secretPattern.test(formatAnswer(value)))
    return "this looks like a secret: secrets go into SSM after the apply, never into a file";
  const issue = Answers.shape[name].safeParse(value).error?.issues[0];
  // An entry of a list: the library's message speaks of types.
  return issue?.message.startsWith("Invalid input") ? "write each as text, in quotes" : issue?.message;
};

/** The answer that follows from the answers before, where a person said nothing else. */
const derive = (name: AnswerName, answers: GivenAnswers): unknown => {
  if (name === "operators" && typeof answers.tooling === "string")
    return [`arn:aws:iam::${answers.tooling}:role/slipway-people-*`];
  if (name === "ci" && typeof answers.source === "string" && answers.source.startsWith("github:"))
    return answers.source.slice("github:".length);
  if (name === "ci") return "";
  if (name === "branch") return "main";
  if (name === "reports") return "";
  if (name === "budget") return 0;
  if (name === "budgetEmail" && Number(answers.budget) === 0) return "";
  return undefined;
};

const findContradiction = ({
  tooling,
  stage,
  prod,
  source,
  reports,
  budget,
  budgetEmail,
}: Answers): string | undefined => {
  const different = new Set([tooling, stage, prod]).size;
  if (different === 2)
    return "Two of the three accounts are the same. Use three accounts, or for a trial the same one three times.";
  if (reports !== "" && !source.startsWith("github:"))
    return "CodeCommit shows no deployments: --reports belongs to a repository on GitHub. Leave it empty, or choose --source github:<owner>/<name>.";
  if (budget > 0 && budgetEmail === "")
    return "A budget needs an address: --budget-email <address>, or budgetEmail in the answers file.";
  return undefined;
};

/**
 * The answers from flags and file, otherwise from the terminal with the earlier ones as defaults, otherwise the earlier
 * ones. Throws UsageMistake with every answer that is missing or wrong.
 */
export const collectAnswers = async ({
  given,
  earlier,
  ask,
  print,
  problems: fileProblems = [],
}: Needs): Promise<Answers> => {
  const answers: Partial<Record<AnswerName, unknown>> = {};
  const problems = [...fileProblems];
  for (const { name, flag, question, hint, isAsked } of questions) {
    const place = `--${flag}, or ${name} in the answers file`;
    // A file with `slackApp:` and nothing behind it has no answer.
    if (given[name] !== undefined && given[name] !== null) {
      answers[name] = normalize(name, given[name]);
      const mistake = explainMistake(name, answers[name]);
      if (mistake !== undefined) problems.push(`${question} (${place}): ${mistake}`);
      continue;
    }
    if (isAsked?.(answers) === false) {
      answers[name] = derive(name, answers);
      continue;
    }
    const fallback = earlier[name] ?? derive(name, answers);
    if (ask === undefined) {
      const mistake =
        fallback === undefined
          ? `missing. ${hint.replace(/^for example/, "For example")}`
          : explainMistake(name, fallback);
      if (mistake !== undefined) problems.push(`${question} (${place}): ${mistake}`);
      answers[name] = fallback;
      continue;
    }
    answers[name] = await askUntilRight({ name, question, hint, fallback, ask, print });
  }
  if (problems.length > 0)
    throw new UsageMistake(
      `Nothing was written. These answers are missing or wrong:\n- ${problems.join("\n- ")}`,
    );
  const parsed = Answers.parse(answers);
  const contradiction = findContradiction(parsed);
  if (contradiction !== undefined) throw new UsageMistake(`Nothing was written. ${contradiction}`);
  return parsed;
};

const askUntilRight = async ({
  name,
  question,
  hint,
  fallback,
  ask,
  print,
}: {
  readonly name: AnswerName;
  readonly question: string;
  readonly hint: string;
  readonly fallback: unknown;
  readonly ask: (question: string) => Promise<string>;
  readonly print: (text: string) => void;
}): Promise<unknown> => {
  const shown = fallback === undefined || fallback === "" ? "" : ` [${formatAnswer(fallback)}]`;
  for (;;) {
    const text = (await ask(`${question} (${hint})${shown}: `)).trim();
    const answer = text === "" && fallback !== undefined ? fallback : parseText(name, text);
    const mistake = explainMistake(name, answer);
    if (mistake === undefined) return answer;
    print(`  ${mistake}`);
  }
};
