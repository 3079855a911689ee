import type { Manifest } from "./manifest.ts";
import { valueNames } from "./value-names.ts";

/**
 * The keys of a prediction's `scores`, in order: the labels; nothing for labels without scores; the positive label alone
 * for the decision function of two labels; or the values of a regression.
 */
export const scoreNames = (manifest: Pick<Manifest, "task" | "output">): readonly string[] => {
  if (!("labels" in manifest.output)) return valueNames(manifest.output);
  const { labels, scores, positive } = manifest.output;
  if (scores === "none") return [];
  return scores === "decision" && labels.length === 2 && positive !== undefined ? [positive] : labels;
};
