import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Environment } from "./servers.ts";

/** The packages that a report names; the files bench/requirements-<environment>.txt pin all others, too. */
const named: Readonly<Record<Environment, readonly string[]>> = {
  serve: ["fastapi", "pydantic", "uvicorn", "uvloop", "litserve", "tokenizers", "onnxruntime"],
  kserve: ["kserve", "fastapi", "uvicorn", "uvloop", "onnxruntime"],
  mlserver: ["mlserver", "fastapi", "uvicorn", "uvloop", "onnxruntime"],
  mlflow: ["mlflow", "fastapi", "uvicorn", "pandas", "onnxruntime"],
};

const readPins = async (environment: Environment): Promise<ReadonlyMap<string, string>> => {
  const text = await readFile(new URL(`../requirements-${environment}.txt`, import.meta.url), "utf8");
  const pins = text.split("\n").flatMap((line) => {
    const [, name, version] = /^([\w.-]+)==(\S+)/.exec(line) ?? [];
    return name && version ? [[name.toLowerCase(), version] as const] : [];
  });
  return new Map(pins);
};

/** Versions of all compared servers, as one sentence for each environment. */
export const readVersions = async (): Promise<string> => {
  const require = createRequire(import.meta.url);
  const { version: slipway } = require("../../package.json");
  const { version: runtime } = require("onnxruntime-node/package.json");
  const sentences = [`Slipway ${slipway}, onnxruntime-node ${runtime}, Node ${process.version}`];
  for (const environment of ["serve", "kserve", "mlserver", "mlflow"] as const) {
    const pins = await readPins(environment);
    const found = named[environment].flatMap((name) => (pins.has(name) ? [`${name} ${pins.get(name)}`] : []));
    sentences.push(found.join(", "));
  }
  return `${sentences.join("; ")}.`;
};
