import { listTextInputs } from "#model-folder/manifest/list-text-inputs.ts";
import type { GraphRun } from "./run-graph-on-rows.ts";
import { formatScore, type GuessByRun, isBetter, scoreAlternative } from "./score-alternative.ts";

const maxTokens = 8_192;

/** A matrix names no columns: the CSV's order is a guess, and the alphabetical one the most frequent other. */
export const guessColumnOrder: GuessByRun = async (graph, run, [own], measure) => {
  const texts = listTextInputs({
    inputs: run.inputs.map(({ input }) => input),
    tokenizer: graph.tokenizer?.rules,
  });
  const isText = ({ input: { name } }: GraphRun["inputs"][number]) => texts.includes(name);
  const columns = run.inputs.filter((input) => !isText(input));
  const sorted = columns.toSorted((one, other) => (one.match.column < other.match.column ? -1 : 1));
  const isSorted = sorted.every((input, at) => input === columns[at]);
  const isOneMatrix = new Set(columns.map(({ match }) => match.element)).size === 1;
  const choice = `the CSV's order, without the target (${formatScore(own)})`;
  if (isSorted || !isOneMatrix || !measure)
    return [
      {
        subject: "columns",
        choice,
        alternative: isSorted
          ? "it is the alphabetical order too"
          : "the graph names none of its columns: compare the order with the training's",
        isDoubtful: false,
      },
    ];
  const inputs = [...run.inputs.filter(isText), ...sorted];
  const other = await scoreAlternative(graph, { ...run, inputs }, measure);
  return [
    {
      subject: "columns",
      choice,
      alternative: other
        ? `in alphabetical order it would be ${formatScore(other)}: if the model was trained so, order the CSV's columns`
        : "the model does not run on the alphabetical order",
      isDoubtful: isBetter(other, own),
    },
  ];
};

/** A tokenizer takes the first text of a pair first; the CSV's order is a guess. */
export const guessPairOrder: GuessByRun = async (graph, run, [own], measure) => {
  const { tokenizer } = graph;
  const { pair } = tokenizer?.rules ?? {};
  if (!tokenizer || !pair) return [];
  const [first, second] = pair;
  const swapped = { ...tokenizer, rules: { ...tokenizer.rules, pair: [second, first] as [string, string] } };
  const other = measure && (await scoreAlternative({ ...graph, tokenizer: swapped }, run, measure));
  return [
    {
      subject: "pair",
      choice: `${first} is the first text and ${second} the second, in the order of the CSV (${formatScore(own)})`,
      alternative: other
        ? `with ${second} first it would be ${formatScore(other)}: if the model was trained so, order the CSV's columns`
        : "if the model was trained with the other order, order the CSV's columns",
      isDoubtful: isBetter(other, own),
    },
  ];
};

/** Texts that are cut off lose tokens, and with them perhaps the label. */
export const guessTruncation: GuessByRun = async (graph, run, [own], measure) => {
  const { tokenizer } = graph;
  const cut = run.probe.truncatedRows ?? 0;
  if (!tokenizer || cut === 0) return [];
  const { rules } = tokenizer;
  const more = Math.min(maxTokens, rules.maxTokens * 2);
  const longer = { ...tokenizer, rules: { ...rules, maxTokens: more } };
  const other = measure && (await scoreAlternative({ ...graph, tokenizer: longer }, run, measure));
  return [
    {
      subject: "truncation",
      choice: `${cut} of ${run.usable.rows.length} texts are cut off after ${rules.maxTokens} tokens (${formatScore(own)})`,
      alternative: other
        ? `with ${more} tokens it would be ${formatScore(other)}: --max-tokens ${more}`
        : measure
          ? `the model does not run with ${more} tokens`
          : `if the model was trained with more tokens: --max-tokens ${more}`,
      isDoubtful: isBetter(other, own),
    },
  ];
};
