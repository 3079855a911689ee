import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "yaml";
import type { Manifest, Row } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { parseHoldout } from "#model-folder/rows/parse-holdout.ts";
import { completeListOptions, createPythonEnvironment } from "#test/peers/python-environment.ts";
import { readRows } from "../kernel/read-rows.ts";
import { shapes } from "../kernel/shapes.ts";
import { trainShape } from "../kernel/train-shape.ts";

/** A model that servers are compared with. */
export type BenchModel = {
  readonly name: string;
  /** Its folder, with the manifest as JSON too, which the other servers read. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** Different rows that the model takes. */
  readonly rows: readonly Row[];
};

const models = fileURLToPath(new URL("../../models/", import.meta.url));

const writeManifest = async (folder: string): Promise<Manifest> => {
  const manifest = readManifest(await readFile(join(folder, "model.yaml"), "utf8"));
  await writeFile(join(folder, "manifest.json"), JSON.stringify(manifest));
  return manifest;
};

const copyModel = async (name: string, into: string) => {
  const folder = join(into, name);
  await cp(join(models, name), folder, { recursive: true });
  return { name, folder, manifest: await writeManifest(folder) };
};

const readHoldoutRows = async (folder: string, manifest: Manifest) =>
  parseHoldout(await readFile(join(folder, "holdout.csv")), manifest).rows;

/** Churn with the rows of its holdout: categories, numbers and a value that may be missing. */
export const openChurn = async (into: string): Promise<BenchModel> => {
  const copied = await copyModel("churn", into);
  return { ...copied, rows: await readHoldoutRows(copied.folder, copied.manifest) };
};

/** 300 different texts of one to six sentences, so that their lengths are as mixed as those of real texts. */
export const openTexts = async (into: string): Promise<BenchModel> => {
  const copied = await copyModel("review-sentiment", into);
  const rows = await readHoldoutRows(copied.folder, copied.manifest);
  const texts = rows.slice(0, 300).map((_, at) => {
    const sentences = Array.from(
      { length: 1 + (at % 6) },
      (_, next) => rows[(at + next) % rows.length]?.text,
    );
    return { text: sentences.join(" ") };
  });
  return { ...copied, rows: texts };
};

/** The 300 trees of bench:kernel, trained in its environment, with 1,000 of its rows: 20 numbers of 7 digits each. */
export const openTrees = async (into: string): Promise<BenchModel> => {
  const [shape] = shapes;
  if (!shape) throw new Error("bench/kernel/shapes.ts has no shape");
  const requirements = fileURLToPath(new URL("../requirements-kernel.txt", import.meta.url));
  const { python } = await createPythonEnvironment(requirements, completeListOptions);
  const trained = await trainShape(shape, { python, requirements });
  const name = "trees-300";
  const folder = join(into, name);
  await mkdir(folder);
  await cp(join(trained.folder, "model.onnx"), join(folder, "model.onnx"));
  const names = Array.from({ length: shape.features }, (_, at) => `f${at}`);
  const churn: Record<string, unknown> = parse(await readFile(join(models, "churn", "model.yaml"), "utf8"));
  const described = {
    ...churn,
    name,
    inputs: names.map((input) => ({ name: input, type: "number", min: -1_000, max: 1_000 })),
    output: { labels: ["no", "yes"], positive: "yes" },
  };
  await writeFile(join(folder, "model.yaml"), stringify(described));
  const { values, features } = readRows(trained.folder);
  const rows = Array.from({ length: 1_000 }, (_, row) =>
    Object.fromEntries(
      names.map((input, at) => [input, Number(values[row * features + at]?.toPrecision(7))]),
    ),
  );
  return { name, folder, manifest: await writeManifest(folder), rows };
};
