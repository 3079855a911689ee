import { fileURLToPath } from "node:url";
import { dataframeSplit, kserveV1, native, openInference, type Protocol } from "./protocols.ts";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const slipwayProgram = here("../../cli/slipway.mjs");

/** The package whose environment a server needs, with its file bench/requirements-<name>.txt; undefined for Node. */
export type Environment = "serve" | "kserve" | "mlserver" | "mlflow";
type CommandOptions = {
  /** Holds model.onnx, manifest.json and, for Slipway, model.yaml. */
  readonly folder: string;
  /** A folder for records of this server alone. */
  readonly data: string;
  readonly python: string;
  readonly port: number;
  /** Processes of `slipway serve`; default: one. */
  readonly workers?: number;
};
type Server = {
  readonly protocol: Protocol;
  readonly environment?: Environment;
  command(options: CommandOptions): readonly string[];
};

const startPython =
  (program: string): Server["command"] =>
  ({ python, folder, port }) => [python, here(`python/${program}`), folder, `${port}`];

export const servers = {
  "slipway serve": {
    protocol: native,
    command: ({ folder, port, data, workers = 1 }) => [
      ...[process.execPath, slipwayProgram, "serve", folder, "--port", `${port}`],
      ...["--data", data, "--workers", `${workers}`],
    ],
  },
  "onnxruntime-node on node:http": {
    protocol: native,
    command: ({ folder, port }) => [process.execPath, here("plain-server.mjs"), folder, `${port}`],
  },
  "onnxruntime-node, an insert each": {
    protocol: native,
    command: ({ folder, port, data }) => [
      process.execPath,
      here("plain-server.mjs"),
      folder,
      `${port}`,
      data,
    ],
  },
  FastAPI: { protocol: native, environment: "serve", command: startPython("fastapi_server.py") },
  "FastAPI, tuned": { protocol: native, environment: "serve", command: startPython("fastapi_tuned.py") },
  "FastAPI, batching": {
    protocol: native,
    environment: "serve",
    command: startPython("fastapi_batching.py"),
  },
  LitServe: { protocol: native, environment: "serve", command: startPython("litserve_server.py") },
  KServe: { protocol: kserveV1, environment: "kserve", command: startPython("kserve_server.py") },
  MLServer: { protocol: openInference, environment: "mlserver", command: startPython("mlserver_server.py") },
  "mlflow models serve": {
    protocol: dataframeSplit,
    environment: "mlflow",
    command: startPython("mlflow_server.py"),
  },
} as const satisfies Record<string, Server>;

export type ServerKind = keyof typeof servers;
