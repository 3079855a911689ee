import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Admit } from "#api-keys/admission.ts";
import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { minResidentMb } from "#platform/processes/watch-memory.ts";
import { createApp } from "./app.ts";
import { requireApiKey } from "./authorization/require-api-key.ts";
import type { App, Middleware } from "./http/app.ts";
import { checkHost } from "./http/check-host.ts";
import type { HttpRequest } from "./http/http-request.ts";
import { createWorkQueue } from "./http/work-queue.ts";
import type { LoadedModel } from "./model/load-model.ts";
import { loadModelFolder } from "./model/load-model-folder.ts";
import { countRowValues } from "./offload/count-row-values.ts";
import {
  createOffloadProcess,
  defaultOffloadProcessLimits,
  type OffloadProcess,
} from "./offload/create-offload-process.ts";
import { measureOffloadThreshold, type OffloadThreshold } from "./offload/measure-offload-threshold.ts";
import { createOffload, defaultOffloadThreshold, textOffloadThreshold } from "./offload/offload.ts";
import { refuseWhenFull } from "./offload/refuse-when-full.ts";
import { readExampleRow } from "./openapi/read-example-row.ts";
import { assertUnchanged, type PreparedFolder } from "./prepared-folder.ts";
import { createRecords } from "./records/create-records.ts";
import type { RecordStorage } from "./records/records.ts";
import type { ModelIdentity, RunPredictionDependencies } from "./run-prediction.ts";
import { createService } from "./service.ts";

type Options = Pick<RunPredictionDependencies, "report" | "log" | "now" | "tick" | "newId"> & {
  /** The model's folder. */
  readonly folder: string;
  /** What was read from it; absent: it is read here. */
  readonly prepared?: PreparedFolder | undefined;
  readonly identity: Pick<ModelIdentity, "environment" | "version">;
  /** Storage for prediction records; absent: no records. */
  readonly records?: { readonly storage: RecordStorage; readonly hashKey: Uint8Array } | undefined;
  /** Checks each request's API key; absent: no authentication. */
  readonly admit?: Admit | undefined;
  /** The limit for a run in a separate process; absent: the manifest's timeoutSeconds. */
  readonly deadlineMs?: number;
  /** Which requests need a key; absent: all except /health and /ready. */
  readonly needsKey?: ((request: HttpRequest) => boolean | Promise<boolean>) | undefined;
  /** Host names besides loopback names: `models.example.com` or `models.example.com:8443`. */
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

const computeFingerprint = async (folder: string, manifest: Manifest, digest: string): Promise<string> => {
  const hash = createHash("sha256").update(digest).update(JSON.stringify(manifest));
  if (manifest.tokenizer) hash.update(await readFile(join(folder, manifest.tokenizer.file)));
  return hash.digest("hex");
};

type OpenedModel = {
  readonly model: LoadedModel;
  readonly threshold: OffloadThreshold;
  /** Milliseconds of work: this thread's processor time, so that a busy machine changes nothing, where the model runs here. */
  readonly readWorkMs: () => number;
};

/**
 * Opens the model in this process if a run is short and depends only on its rows; else in a separate process with the
 * function's timeout and memory as limits. Lambda needs no separate process: it sends one request at a time and enforces
 * the timeout.
 */
const openFolder = async (
  folder: string,
  prepared: PreparedFolder,
  { log, tick, deadlineMs }: Pick<Options, "log" | "tick" | "deadlineMs">,
): Promise<OpenedModel> => {
  const { manifest } = prepared;
  let { isolated } = prepared;
  if (isolated === undefined) {
    const model = await loadModelFolder(folder, { prepared });
    const threshold = await measureOffloadThreshold(model, {
      maximum: defaultOffloadThreshold,
      readThreadMs,
    });
    if (threshold) return { model, threshold, readWorkMs: readThreadMs };
    await model.release();
    isolated = "a run on a single row would block other requests";
  }
  log(`runs in a process of its own: ${isolated}`);
  const { memoryMb } = manifest.resources;
  // Only models that are isolated load its schemas.
  const { isolateModel } = await import("./model/isolate-model.ts");
  const model = await isolateModel({
    folder,
    manifest,
    deadlineMs: chooseDeadlineMs(manifest, deadlineMs),
    residentMb: memoryMb,
    tick,
    log,
  });
  return {
    model,
    threshold: manifest.tokenizer ? textOffloadThreshold : defaultOffloadThreshold,
    readWorkMs: tick,
  };
};

/** A dynamic import, because a process that got a prepared folder needs none of the parsers. */
const prepare = async (folder: string): Promise<PreparedFolder> =>
  (await import("./prepare-folder.ts")).prepareFolder(folder);

/**
 * Creates the inference service of a model's folder for an HTTP server, equal to the deployed function. Its digest is that
 * of the ONNX file, because there is no image. Throws ManifestInvalid or ModelUnreadable.
 */
export const serveModel = async ({
  folder,
  prepared: given,
  identity: { environment, version },
  records,
  admit,
  needsKey,
  hostNames = [],
  ...dependencies
}: Options): Promise<{
  readonly app: App;
  readonly name: string;
  /** The same for two services only if they answer from the same manifest, model and tokenizer. */
  readonly fingerprint: string;
  /** The process for large requests. */
  readonly offloadProcess: Pick<OffloadProcess, "pid" | "stop">;
  /** Releases the model and ends its separate process, if any. */
  release(): Promise<void>;
}> => {
  const prepared = given ?? (await prepare(folder));
  if (given) await assertUnchanged(folder, given);
  const { manifest, digest } = prepared;
  const { model, threshold, readWorkMs } = await openFolder(folder, prepared, dependencies);
  const { name } = manifest;
  const identity: ModelIdentity = {
    model: name,
    environment,
    version,
    digest,
    functionVersion: String(version),
  };
  const { log, now: clock } = dependencies;
  const hashKey = records && (async () => records.hashKey);
  const createModelRecords = createRecords({ identity, manifest, hashKey, clock, log });
  const service = createService({
    ...dependencies,
    model,
    identity,
    records: createModelRecords(records?.storage),
    readExampleRow: () => readExampleRow(folder, manifest),
  });
  const warn = (sentence: string, error: unknown) =>
    log(`${sentence}: ${error instanceof Error ? error.message : String(error)}`);
  const offloadProcess = createOffloadProcess({
    start: {
      folder: resolve(folder),
      identity,
      manifest,
      hashKey: records ? Buffer.from(records.hashKey).toString("base64") : null,
    },
    plan: prepared.plan,
    storage: records?.storage,
    report: dependencies.report,
    log,
    tick: dependencies.tick,
    limits: {
      ...defaultOffloadProcessLimits,
      deadlineMs: Math.min(
        defaultOffloadProcessLimits.deadlineMs,
        chooseDeadlineMs(manifest, dependencies.deadlineMs),
      ),
      residentMb: Math.max(minResidentMb, manifest.resources.memoryMb),
    },
  });
  const requireKey = admit && requireApiKey({ admit, model: name, needsKey, warn });
  const requireHost = checkHost(hostNames);
  const middleware: Middleware = (request, next) =>
    requireHost(request, requireKey ? (allowed) => requireKey(allowed, next) : next);
  const queue = createWorkQueue({ tick: dependencies.tick, readWorkMs });
  const { columns } = model;
  const text = service.records?.recorder.readsText ?? false;
  const offload = createOffload(offloadProcess, {
    row: countRowValues(manifest),
    threshold,
    queue,
    scan: columns && ((body) => columns.scan(body, { text })),
  });
  const app = createApp(service, middleware, offload, hostNames);
  return {
    app: refuseWhenFull(app, { queue, offloadProcess, largeBytes: threshold.bytes, newId: service.newId }),
    name,
    fingerprint: await computeFingerprint(folder, manifest, digest),
    offloadProcess,
    release: () => model.release(),
  };
};
