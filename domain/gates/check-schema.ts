import type { Input, Manifest } from "#model-folder/manifest/manifest.ts";
import { valueNames } from "#model-folder/manifest/value-names.ts";
import { formatCount } from "./number-format.ts";
import type { CheckResults } from "./verdict.ts";

const describeNarrowedRange = (
  before: { readonly min: number; readonly max: number },
  after: { readonly min: number; readonly max: number },
): string[] => [
  ...(after.min > before.min ? [`is at least ${after.min} instead of ${before.min}`] : []),
  ...(after.max < before.max ? [`is at most ${after.max} instead of ${before.max}`] : []),
];

/** In which ways values that one input took are refused by the other of the same name. */
const describeNarrowedInput = (before: Input, after: Input): string[] => {
  const numeric = "min" in before && "min" in after;
  if (numeric && (before.type === after.type || before.type === "integer"))
    return describeNarrowedRange(before, after);
  if (before.type === "category" && after.type === "category") {
    if (after.unknown === "map") return [];
    if (before.unknown === "map") return ["refuses unknown categories"];
    const removed = before.values.filter((value) => !after.values.includes(value));
    return removed.length > 0 ? [`no longer takes ${removed.join(", ")}`] : [];
  }
  if (before.type === "string" && after.type === "string")
    return after.maxLength < before.maxLength
      ? [`takes ${after.maxLength} characters instead of ${before.maxLength}`]
      : [];
  const widened =
    before.type === "category" &&
    before.unknown === "refuse" &&
    after.type === "string" &&
    before.values.every((value) => value.length <= after.maxLength);
  return before.type === after.type || widened ? [] : [`is ${after.type} instead of ${before.type}`];
};

const describeBrokenInput = (before: Input, after: Input | undefined): string[] => {
  // Columns that a manifest does not name are refused, so a removed input refuses who still sends it.
  if (!after) return [`${before.name} was removed, and requests that still send it are refused`];
  const ways = [
    ...describeNarrowedInput(before, after),
    ...(after.required && !before.required ? ["is required now"] : []),
  ];
  return ways.length > 0 ? [`${before.name} ${ways.join(" and ")}`] : [];
};

const describeBrokenOutput = (champion: Manifest, challenger: Manifest): string[] => {
  if (champion.task === "classification" && challenger.task === "classification") {
    const lost = champion.output.labels.filter((label) => !challenger.output.labels.includes(label));
    return lost.length > 0 ? [`the label ${lost.join(", ")} is never answered any more`] : [];
  }
  if (champion.task === "regression" && challenger.task === "regression") {
    const { output: before } = champion;
    const { output: after } = challenger;
    const lost = valueNames(before).filter((name) => !valueNames(after).includes(name));
    return [
      ...(lost.length === 0
        ? []
        : [
            `the output is named ${valueNames(after).join(", ")} instead of ${valueNames(before).join(", ")}`,
          ]),
      ...(before.unit === after.unit
        ? []
        : [`the output is in ${after.unit ?? "no unit"} instead of ${before.unit ?? "no unit"}`]),
    ];
  }
  return [`the model's task is ${challenger.task} instead of ${champion.task}`];
};

/**
 * The challenger's schema against the champion's. Breaking is what may refuse a request that the champion
 * took (a new required input, a removed one, a narrower range or list, another type) or takes away an
 * answer that applications read (a label, the output's name or unit, the task). Widening passes.
 */
export const checkSchema = ({
  champion,
  challenger,
}: {
  readonly champion?: Manifest | undefined;
  readonly challenger: Manifest;
}): CheckResults => {
  const name = "input schema";
  if (!champion)
    return { checks: [], omitted: [{ name, why: "There is no champion whose requests could be refused." }] };
  const after = new Map(challenger.inputs.map((input) => [input.name, input]));
  const known = new Set(champion.inputs.map((input) => input.name));
  const breaks = [
    ...champion.inputs.flatMap((input) => describeBrokenInput(input, after.get(input.name))),
    ...challenger.inputs
      .filter((input) => input.required && !known.has(input.name))
      .map((input) => `${input.name} is new and required`),
    ...describeBrokenOutput(champion, challenger),
  ];
  const detail =
    breaks.length === 0
      ? `Every request that the champion takes is taken: ${formatCount(challenger.inputs.length, "input")} compared.`
      : `Applications would break: ${breaks.join("; ")}.`;
  return {
    checks: [
      {
        name,
        verdict: breaks.length === 0 ? "pass" : "fail",
        measured: breaks.length,
        limit: 0,
        unit: "breaking changes",
        detail,
      },
    ],
    omitted: [],
  };
};
