import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Admit } from "#api-keys/admission.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { inspectOnnx } from "#model-folder/onnx/inspect-onnx.ts";
import { minResidentMb } from "#platform/processes/watch-memory.ts";
import { createApp } from "./app.ts";
import { requireApiKey } from "./authorization/require-api-key.ts";
import type { App, Middleware } from "./http/app.ts";
import { checkHost } from "./http/check-host.ts";
import type { HttpRequest } from "./http/http-request.ts";
import { isolateModel } from "./model/isolate-model.ts";
import type { LoadedModel } from "./model/load-model.ts";
import { loadModelFolder } from "./model/load-model-folder.ts";
import {
  createOffloadProcess,
  defaultOffloadProcessLimits,
  type OffloadProcess,
} from "./offload/create-offload-process.ts";
import { measureOffloadThreshold, type OffloadThreshold } from "./offload/measure-offload-threshold.ts";
import { createOffload, defaultOffloadThreshold, textOffloadThreshold } from "./offload/offload.ts";
import { createRecords } from "./records/create-records.ts";
import type { RecordStorage } from "./records/records.ts";
import type { ModelIdentity, RunPredictionDependencies } from "./run-prediction.ts";
import { createService } from "./service.ts";

type Options = Pick<RunPredictionDependencies, "report" | "log" | "now" | "tick" | "newId"> & {
  /** The model's folder. */
  readonly folder: string;
  readonly identity: Pick<ModelIdentity, "environment" | "version">;
  /** Where prediction records are kept; absent: nowhere. */
  readonly records?: { readonly place: RecordStorage; readonly hashKey: Uint8Array } | undefined;
  /** Decides on each request's API key; absent: everyone may ask. */
  readonly admit?: Admit | undefined;
  /** When a run in a process of its own is stopped; absent: after the manifest's timeoutSeconds. */
  readonly deadlineMs?: number;
  /** Which requests need a key; absent: all but those for /health and /ready. */
  readonly needsKey?: ((request: HttpRequest) => Promise<boolean>) | undefined;
  /** Names of this host beside those of the loopback interface, `models.example.com` or `models.example.com:8443`. */
  readonly hostNames?: readonly string[] | undefined;
};

const readThreadMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
};

const chooseDeadlineMs = (
  { resources }: Pick<Manifest, "resources">,
  deadlineMs: number | undefined,
): number => deadlineMs ?? resources.timeoutSeconds * 1_000;

type OpenedModel = {
  readonly model: LoadedModel;
  readonly digest: string;
  readonly most: OffloadThreshold;
};

/**
 * In this process where a run's work is bounded by its rows, and short; else in one of its own, with the function's
 * time-out and memory as its limits. A function in Lambda needs none: it is a process for one request at a time, ended at
 * its time-out.
 */
const openFolder = async (
  folder: string,
  { log, tick, deadlineMs }: Pick<Options, "log" | "tick" | "deadlineMs">,
): Promise<OpenedModel> => {
  const manifest = readManifest(await readFile(join(folder, "model.yaml")));
  const artifact = await readFile(join(folder, manifest.artifact));
  const digest = `sha256:${createHash("sha256").update(artifact).digest("hex")}`;
  const { unbounded } = inspectOnnx(artifact);
  let why: string | undefined;
  if (unbounded !== undefined) why = `${unbounded} lets a request decide how much a run does`;
  else if (manifest.tokenizer !== undefined) why = "a run on texts would keep other requests waiting";
  else {
    const model = await loadModelFolder(folder);
    const most = await measureOffloadThreshold(model, {
      most: defaultOffloadThreshold,
      threadMs: readThreadMs,
    });
    if (most) return { model, digest, most };
    await model.release();
    why = "a run on a single row would keep other requests waiting";
  }
  log(`runs in a process of its own: ${why}`);
  const { memoryMb } = manifest.resources;
  const model = await isolateModel({
    folder,
    manifest,
    deadlineMs: chooseDeadlineMs(manifest, deadlineMs),
    residentMb: memoryMb,
    tick,
    log,
  });
  return { model, digest, most: manifest.tokenizer ? textOffloadThreshold : defaultOffloadThreshold };
};

/**
 * The inference service of a model's folder, for an HTTP server: the same that its function is. The digest that it
 * names is that of the ONNX file, since there is no image. Throws ManifestInvalid or ModelUnreadable.
 */
export const serveModel = async ({
  folder,
  identity: { environment, version },
  records,
  admit,
  needsKey,
  hostNames = [],
  ...needs
}: Options): Promise<{
  readonly app: App;
  readonly name: string;
  /** The process that large requests are answered in. */
  readonly elsewhere: Pick<OffloadProcess, "pid" | "stop">;
  /** Ends the model, and the process that it runs in where it has one. */
  release(): Promise<void>;
}> => {
  const { model, digest, most } = await openFolder(folder, needs);
  const { manifest } = model;
  const { name } = manifest;
  const identity: ModelIdentity = {
    model: name,
    environment,
    version,
    digest,
    functionVersion: String(version),
  };
  const { log, now: clock } = needs;
  const hashKey = records && (async () => records.hashKey);
  const keeping = createRecords({ identity, manifest, hashKey, clock, log });
  const service = createService({ ...needs, model, identity, records: keeping(records?.place) });
  const warn = (sentence: string, fault: unknown) =>
    log(`${sentence}: ${fault instanceof Error ? fault.message : String(fault)}`);
  const elsewhere = createOffloadProcess({
    start: {
      folder: resolve(folder),
      identity,
      manifest,
      hashKey: records ? Buffer.from(records.hashKey).toString("base64") : null,
    },
    place: records?.place,
    report: needs.report,
    log,
    tick: needs.tick,
    limits: {
      ...defaultOffloadProcessLimits,
      deadlineMs: Math.min(
        defaultOffloadProcessLimits.deadlineMs,
        chooseDeadlineMs(manifest, needs.deadlineMs),
      ),
      residentMb: Math.max(minResidentMb, manifest.resources.memoryMb),
    },
  });
  const keyed = admit && requireApiKey({ admit, model: name, needsKey, warn });
  const ownHost = checkHost(hostNames);
  const gate: Middleware = (request, answer) =>
    ownHost(request, keyed ? (passed) => keyed(passed, answer) : answer);
  const sendOn = createOffload(elsewhere, {
    inputs: manifest.inputs.length,
    most,
  });
  return {
    app: createApp(service, gate, sendOn, hostNames),
    name,
    elsewhere,
    release: () => model.release(),
  };
};
