import { listOutputFields } from "./list-output-fields.ts";
import type { Manifest } from "./manifest.ts";

/** The labels that a service counts and a canary compares: each prediction has one of them, or several. */
export const listCountedLabels = (manifest: Manifest): readonly string[] =>
  // Several classifications have labels of their own each, which countLabels leaves out.
  manifest.task === "multioutput"
    ? []
    : listOutputFields(manifest).flatMap((field) =>
        field.kind === "label" || field.kind === "labels" || field.kind === "entities" ? field.labels : [],
      );
