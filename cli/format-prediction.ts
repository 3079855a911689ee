import type { NestedValues, Prediction } from "#model-folder/manifest/manifest.ts";

const countValues = (value: NestedValues): number =>
  typeof value === "object" ? value.reduce<number>((sum, each) => sum + countValues(each), 0) : 1;

const formatTensor = (name: string, value: NestedValues): string => {
  if (typeof value !== "object") return `${name} ${value}`;
  const first = value.slice(0, 4).map((each) => (typeof each === "number" ? each.toFixed(4) : undefined));
  return first.every((each) => each !== undefined)
    ? `${name} [${first.join(", ")}${value.length > first.length ? ", …" : ""}] (${value.length} numbers)`
    : `${name} (${countValues(value)} values)`;
};

/** A prediction in one line of a terminal, without the scores: its label or labels, value, entities or tensors. */
export const formatPrediction = ({
  label,
  labels,
  value,
  heads,
  entities,
  tensors,
}: Omit<Prediction, "scores" | "band">): string => {
  if (label !== undefined) return label;
  if (labels) return labels.join(", ") || "no label";
  if (value !== undefined) return String(value);
  if (entities)
    return (
      entities.map((entity) => `${entity.text} ${entity.label} ${entity.score.toFixed(4)}`).join("; ") ||
      "no entity"
    );
  return [
    ...Object.entries(heads ?? {}).map(([name, head]) => `${name} ${head.label}`),
    ...Object.entries(tensors ?? {}).map(([name, tensor]) => formatTensor(name, tensor)),
  ].join("; ");
};
