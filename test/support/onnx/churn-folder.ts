import { readFileSync } from "node:fs";
import { type Manifest, Manifest as Schema } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";

const toUrl = (name: string): URL => new URL(`../../../models/churn/${name}`, import.meta.url);

/** The committed churn model's files. */
export const readChurnFiles = (): Map<string, Uint8Array> =>
  new Map(
    ["model.yaml", "model.onnx", "golden.json", "holdout.csv"].map((name) => [
      name,
      readFileSync(toUrl(name)),
    ]),
  );
export const readChurnYaml = (): string => readFileSync(toUrl("model.yaml"), "utf8");
export const readChurnManifest = (): Manifest => readManifest(readChurnYaml());
export const readChurnGolden = () => JSON.parse(readFileSync(toUrl("golden.json"), "utf8"));

/** A manifest with these inputs, and the rest as churn has it. */
export const buildManifest = (changes: Record<string, unknown>): Manifest =>
  Schema.parse({ ...readChurnManifest(), ...changes });
