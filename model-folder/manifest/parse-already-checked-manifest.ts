import { parseDocument } from "yaml";
import { ManifestInvalid } from "./folder-problem.ts";
import { Manifest } from "./manifest.ts";

/**
 * Parses the manifest of a folder that was checked before. Problems have no lines here: readManifest finds those. If the
 * text has several documents it reads the first, as older versions of the check did.
 */
export const parseAlreadyCheckedManifest = (yaml: string): Manifest => {
  try {
    const document = parseDocument(yaml, { uniqueKeys: false, logLevel: "silent" });
    const [error] = document.errors;
    if (error) throw error;
    return Manifest.parse(document.toJS());
  } catch (error) {
    throw new ManifestInvalid([
      {
        severity: "error",
        file: "model.yaml",
        path: "",
        message: error instanceof Error ? error.message : "cannot be read",
        remedy: "Run `slipway check` on the model's folder: it names the lines.",
      },
    ]);
  }
};
