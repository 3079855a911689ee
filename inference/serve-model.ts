import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Identity, Needs } from "./answer.ts";
import { type App, createApp } from "./app.ts";
import type { Admit } from "./keys/admission.ts";
import { requireApiKey } from "./keys/require-api-key.ts";
import { openModel } from "./model/open-model.ts";
import type { RecordPlace } from "./records/records.ts";
import { recordsOf } from "./records/records-of.ts";
import { createService } from "./service.ts";

type Options = Pick<Needs, "report" | "log" | "now" | "tick" | "newId"> & {
  /** The model's folder. */
  readonly folder: string;
  readonly identity: Pick<Identity, "environment" | "version">;
  /** Where prediction records are kept; absent: nowhere. */
  readonly records?: { readonly place: RecordPlace; readonly hashKey: Uint8Array } | undefined;
  /** Decides on each request's API key; absent: everyone may ask. */
  readonly admit?: Admit | undefined;
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
  ...needs
}: Options): Promise<{ readonly app: App; readonly name: string }> => {
  const model = await openModel(folder);
  const { manifest } = model;
  const { name } = manifest;
  const hash = createHash("sha256").update(await readFile(join(folder, manifest.artifact)));
  const identity: Identity = {
    model: name,
    environment,
    version,
    digest: `sha256:${hash.digest("hex")}`,
    functionVersion: String(version),
  };
  const { log, now: clock } = needs;
  const hashKey = records && (async () => records.hashKey);
  const keeping = recordsOf({ identity, manifest, hashKey, clock, log });
  const service = createService({ ...needs, model, identity, records: keeping(records?.place) });
  const warn = (sentence: string, fault: unknown) =>
    log(`${sentence}: ${fault instanceof Error ? fault.message : String(fault)}`);
  return { app: createApp(service, admit && requireApiKey({ admit, model: name, warn })), name };
};
