import { listOutputFields } from "./list-output-fields.ts";
import type { Manifest } from "./manifest.ts";

/** The names in a prediction's `scores`: labels with a score each, and values by their names. */
export const listScoreNames = (manifest: Manifest): readonly string[] =>
  // Several classifications keep their scores apart, in `heads`.
  manifest.task === "multioutput"
    ? []
    : listOutputFields(manifest).flatMap((field) =>
        field.kind === "scores" ? field.labels : field.kind === "number" ? [field.name] : [],
      );
