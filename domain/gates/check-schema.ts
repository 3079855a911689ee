import { listOutputFields, type OutputField } from "#model-folder/manifest/list-output-fields.ts";
import type { Input, Manifest } from "#model-folder/manifest/manifest.ts";
import { valueNames } from "#model-folder/manifest/value-names.ts";
import { formatCount } from "./number-format.ts";
import type { CheckResults } from "./verdict.ts";

const describeNarrowedRange = (
  before: { readonly min: number; readonly max: number },
  after: { readonly min: number; readonly max: number },
): string[] => [
  ...(after.min > before.min ? [`has minimum ${after.min} instead of ${before.min}`] : []),
  ...(after.max < before.max ? [`has maximum ${after.max} instead of ${before.max}`] : []),
];

type NumericInput = Input & { readonly type: "integer" | "number" };
const isNumeric = (input: Input): input is NumericInput =>
  input.type === "integer" || input.type === "number";

const formatShape = (shape: readonly (number | null)[]): string =>
  `[${shape.map((size) => size ?? "any").join(", ")}]`;

const describeNarrowedTensor = (
  before: Input & { readonly type: "tensor" },
  after: Input & { readonly type: "tensor" },
): string[] => {
  const sameShape =
    before.shape.length === after.shape.length &&
    after.shape.every((size, axis) => size === null || size === before.shape[axis]);
  const unbounded = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
  return [
    ...(before.element === after.element
      ? []
      : [`has elements ${after.element} instead of ${before.element}`]),
    ...(sameShape ? [] : [`has shape ${formatShape(after.shape)} instead of ${formatShape(before.shape)}`]),
    ...describeNarrowedRange({ ...unbounded, ...before }, { ...unbounded, ...after }),
  ];
};

/** Any image is accepted, unless its size is fixed or the manifest says nothing about photos that EXIF turns. */
const describeNarrowedImage = (
  before: Input & { readonly type: "image" },
  after: Input & { readonly type: "image" },
): string[] => [
  ...(after.resize === "none" &&
  (before.resize !== "none" || before.width !== after.width || before.height !== after.height)
    ? [`accepts only ${after.width} × ${after.height} pixels`]
    : []),
  ...(after.orientation === undefined && before.orientation !== undefined
    ? ["refuses images that EXIF turns"]
    : []),
];

/** Why the new input refuses values that the old one accepted. */
const describeNarrowedInput = (before: Input, after: Input): string[] => {
  if (before.type === "tensor" && after.type === "tensor") return describeNarrowedTensor(before, after);
  if (before.type === "image" && after.type === "image") return describeNarrowedImage(before, after);
  const numeric = isNumeric(before) && isNumeric(after);
  if (numeric && (before.type === after.type || before.type === "integer"))
    return describeNarrowedRange(before, after);
  if (before.type === "category" && after.type === "category") {
    if (after.unknown === "map") return [];
    if (before.unknown === "map") return ["refuses unknown categories"];
    const removed = before.values.filter((value) => !after.values.includes(value));
    return removed.length > 0 ? [`no longer accepts ${removed.join(", ")}`] : [];
  }
  if (before.type === "string" && after.type === "string")
    return after.maxLength < before.maxLength
      ? [`accepts ${after.maxLength} characters instead of ${before.maxLength}`]
      : [];
  const widened =
    before.type === "category" &&
    before.unknown === "refuse" &&
    after.type === "string" &&
    before.values.every((value) => value.length <= after.maxLength);
  return before.type === after.type || widened ? [] : [`has type ${after.type} instead of ${before.type}`];
};

const describeBrokenInput = (before: Input, after: Input | undefined): string[] => {
  // The function refuses fields that the manifest does not name.
  if (!after) return [`${before.name} was removed: requests that send it are refused`];
  const ways = [
    ...describeNarrowedInput(before, after),
    ...(after.required && !before.required ? ["is now required"] : []),
  ];
  return ways.length > 0 ? [`${before.name} ${ways.join(" and ")}`] : [];
};

const isProbability = (scores: string): boolean => scores === "probabilities" || scores === "logits";

const describeBrokenOutput = (champion: Manifest, challenger: Manifest): string[] => {
  if (champion.task === "classification" && challenger.task === "classification") {
    const lost = champion.output.labels.filter((label) => !challenger.output.labels.includes(label));
    const { scores: before } = champion.output;
    const { scores: after } = challenger.output;
    return [
      ...(lost.length > 0 ? [`label ${lost.join(", ")} was removed`] : []),
      // Logits are served as probabilities.
      ...(before === after || (isProbability(before) && isProbability(after))
        ? []
        : [`scores ${after} instead of ${before}`]),
    ];
  }
  if (champion.task === "regression" && challenger.task === "regression") {
    const { output: before } = champion;
    const { output: after } = challenger;
    const lost = valueNames(before).filter((name) => !valueNames(after).includes(name));
    return [
      ...(lost.length === 0
        ? []
        : [`output ${valueNames(after).join(", ")} instead of ${valueNames(before).join(", ")}`]),
      ...(before.unit === after.unit
        ? []
        : [`output unit ${after.unit ?? "none"} instead of ${before.unit ?? "none"}`]),
    ];
  }
  if (champion.task === "embedding" && challenger.task === "embedding") {
    const { output: before } = champion;
    const { output: after } = challenger;
    return [
      ...describeBrokenFields(listOutputFields(champion), listOutputFields(challenger)),
      // Applications compare vectors with those that they stored.
      ...(before.pooling === after.pooling ? [] : [`pooling ${after.pooling} instead of ${before.pooling}`]),
      ...(before.normalize === after.normalize
        ? []
        : [`vectors are ${after.normalize ? "" : "no longer "}normalized`]),
    ];
  }
  if (champion.task === "entities" && challenger.task === "entities") {
    const { maxTokens: before = 0 } = champion.tokenizer ?? {};
    const { maxTokens: after = 0 } = challenger.tokenizer ?? {};
    return [
      ...describeBrokenFields(listOutputFields(champion), listOutputFields(challenger)),
      // Longer texts are refused, not cut.
      ...(after < before ? [`accepts ${after} tokens instead of ${before}`] : []),
    ];
  }
  return champion.task === challenger.task
    ? describeBrokenFields(listOutputFields(champion), listOutputFields(challenger))
    : [`task ${challenger.task} instead of ${champion.task}`];
};

const describeType = (field: OutputField): string =>
  field.kind === "tensor"
    ? `${field.element} [${field.shape.map((size) => size ?? "any").join(", ")}]`
    : field.kind;

/** A field of responses that is lost, has another type, or has no longer all its labels. */
const describeBrokenFields = (before: readonly OutputField[], after: readonly OutputField[]): string[] => {
  const lostLabels = new Set<string>();
  const breaks = before.flatMap((field): string[] => {
    const same = after.find(({ name, kind }) => name === field.name && kind === field.kind);
    if (!same) return [`output ${field.name} was removed`];
    if (describeType(same) !== describeType(field))
      return [`output ${field.name} is ${describeType(same)} instead of ${describeType(field)}`];
    if ("labels" in field && "labels" in same)
      for (const label of field.labels) if (!same.labels.includes(label)) lostLabels.add(label);
    return [];
  });
  return [...breaks, ...(lostLabels.size > 0 ? [`label ${[...lostLabels].join(", ")} was removed`] : [])];
};

/**
 * Whether the challenger accepts every request that the champion accepts, and returns everything that applications read.
 * Breaking changes: a new required input, a removed input, a narrower range or list, another type; a removed label or
 * output field, another kind of scores, another output name, type, unit or task.
 */
export const checkSchema = ({
  champion,
  challenger,
}: {
  readonly champion?: Manifest | undefined;
  readonly challenger: Manifest;
}): CheckResults => {
  const name = "input schema";
  if (!champion) return { checks: [], omitted: [{ name, why: "no champion to compare with" }] };
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
      ? `backward compatible: ${formatCount(challenger.inputs.length, "input")} checked`
      : `not backward compatible: ${breaks.join("; ")}`;
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
