import { parse } from "yaml";
import { ManifestInvalid } from "./folder-problem.ts";
import { Manifest } from "./manifest.ts";

/**
 * The manifest of a folder that was checked before it came here. Its mistakes are told without their lines: readManifest
 * finds those.
 */
export const checkedManifest = (yaml: string): Manifest => {
  try {
    return Manifest.parse(parse(yaml, { uniqueKeys: false }));
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
