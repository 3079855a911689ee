import { readFileSync } from "node:fs";
import { type Manifest, Manifest as Schema } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";

const at = (name: string): URL => new URL(`../../../models/churn/${name}`, import.meta.url);

/** The committed churn model's files. */
export const churnFiles = (): Map<string, Uint8Array> =>
  new Map(
    ["model.yaml", "model.onnx", "golden.json", "holdout.csv"].map((name) => [name, readFileSync(at(name))]),
  );
export const churnYaml = (): string => readFileSync(at("model.yaml"), "utf8");
export const churnManifest = (): Manifest => readManifest(churnYaml());
export const churnGolden = () => JSON.parse(readFileSync(at("golden.json"), "utf8"));

/** A manifest with these inputs, and the rest as churn has it. */
export const manifestWith = (changes: Record<string, unknown>): Manifest =>
  Schema.parse({ ...churnManifest(), ...changes });
