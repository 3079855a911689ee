import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** The models in a folder `models`: its folders with a model.yaml. Empty where the folder cannot be read. */
export const listModelFolders = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder).filter((name) => existsSync(join(folder, name, "model.yaml")));
  } catch {
    return [];
  }
};
