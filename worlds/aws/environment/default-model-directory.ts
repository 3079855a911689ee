import { join } from "node:path";

/** The model's folder in the image: next to the bundle, which contains this file. */
export const getDefaultModelDirectory = (): string => join(import.meta.dirname, "model");
