import type { Manifest } from "#model-folder/manifest/manifest.ts";

/** The values that are measured: quantiles and a value with its deviation have one truth. */
const listTruthNames = (manifest: Manifest): readonly string[] => {
  switch (manifest.task) {
    case "regression":
      return "names" in manifest.output && manifest.output.quantiles === undefined
        ? manifest.output.names
        : [];
    case "multilabel":
      return manifest.output.labels;
    case "multioutput":
      return manifest.output.heads.map(({ name }) => name);
    default:
      return [];
  }
};

/**
 * The holdout's columns with the truth: `label`; `label.<name>` for each where a row has several values or labels. Where an
 * input has such a name, they start with `truth.`, as often as it takes.
 */
export const listTruthColumns = (manifest: Manifest): readonly string[] => {
  const taken = new Set(manifest.inputs.map(({ name }) => name));
  if (manifest.task === "ranking") taken.add(manifest.output.group);
  const several = listTruthNames(manifest);
  const names = several.length > 0 ? several.map((name) => `label.${name}`) : ["label"];
  let prefix = "";
  while (names.some((name) => taken.has(`${prefix}${name}`))) prefix += "truth.";
  return names.map((name) => `${prefix}${name}`);
};

/** The holdout's column that says which rows are ranked together; undefined for other tasks. */
export const findGroupColumn = (manifest: Manifest): string | undefined =>
  manifest.task === "ranking" ? manifest.output.group : undefined;
