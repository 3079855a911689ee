import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { formatScore, type GuessByRun, isBetter, scoreAlternative } from "./score-alternative.ts";
import type { ScoredGuess } from "./scored-guess.ts";

const maxCodedColumns = 8;

/**
 * Text in a matrix of numbers is its index among the sorted values: LabelEncoder and category codes number it so, while
 * pandas.factorize and a dictionary of the training's own do not. For two values the other order is the reverse.
 */
export const guessCodes: GuessByRun = async (graph, run, [own], measure) => {
  const guesses: ScoredGuess[] = [];
  for (const { match, input } of run.inputs) {
    if (!match.inMatrix || match.element === "string" || input.type !== "category") continue;
    if (input.values.length < 2 || guesses.length === maxCodedColumns) continue;
    const seen = [
      ...new Set(
        run.usable.rows
          .map((row) => getOwnProperty(row, input.name))
          .filter((value) => typeof value === "string"),
      ),
    ];
    const isSorted = seen.every((value, at) => value === input.values[at]);
    const values =
      isSorted || input.values.length === 2
        ? input.values.toReversed()
        : [...new Set([...seen, ...input.values])];
    const inputs = run.inputs.map((each) =>
      each.match === match ? { ...each, input: { ...input, values } } : each,
    );
    const other = measure && (await scoreAlternative(graph, { ...run, inputs }, measure));
    const format = (all: readonly string[]) =>
      all
        .slice(0, 4)
        .map((value, at) => `${value} ${at}`)
        .join(", ") + (all.length > 4 ? ", …" : "");
    guesses.push({
      subject: "codes",
      choice: `${match.column} becomes the index of its sorted values: ${format(input.values)} (${formatScore(own)})`,
      alternative: other
        ? `with ${format(values)} it would be ${formatScore(other)}: if the training numbered them so, order \`values\` in model.yaml`
        : "if the training numbered them in another way, order `values` in model.yaml",
      isDoubtful: isBetter(other, own),
    });
  }
  return guesses;
};
