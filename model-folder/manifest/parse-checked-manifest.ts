import { parseDocument } from "yaml";
import { ManifestInvalid } from "./folder-problem.ts";
import { Manifest } from "./manifest.ts";

/**
 * The manifest of a folder that was checked before it came here. Its mistakes are told without their lines: loadManifest
 * finds those. Of several documents it is the first, as checks took it until they refused a second one.
 */
export const parseCheckedManifest = (yaml: string): Manifest => {
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
