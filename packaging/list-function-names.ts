import { readdirSync } from "node:fs";
import { join } from "node:path";

/** The functions of lambdas/, by name; predict, the one that runs from an image, is not among them. */
export const listFunctionNames = (): readonly string[] =>
  readdirSync(join(import.meta.dirname, "..", "lambdas"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "predict")
    .map(({ name }) => name)
    .sort();
