import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { valueNames } from "#model-folder/manifest/value-names.ts";

/**
 * The holdout's columns with the truth: `label`; `label.<name>` for each value if a model predicts several. Where an input
 * has such a name, they start with `truth.`, as often as it takes.
 */
export const truthColumns = (
  inputs: readonly Pick<Manifest["inputs"][number], "name">[],
  output: Manifest["output"],
): readonly string[] => {
  const taken = new Set(inputs.map(({ name }) => name));
  const names = "names" in output ? valueNames(output).map((name) => `label.${name}`) : ["label"];
  let prefix = "";
  while (names.some((name) => taken.has(`${prefix}${name}`))) prefix += "truth.";
  return names.map((name) => `${prefix}${name}`);
};
