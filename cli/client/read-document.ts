import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { explainUnknownModel } from "#cli/explain-unknown-model.ts";
import { checkoutFolder } from "#cli/folders.ts";
import { listModelFolders } from "#cli/list-model-folders.ts";
import { openapiDocument } from "#inference/openapi/openapi-document.ts";
import { ModelName } from "#model-folder/manifest/manifest.ts";
import { readManifest } from "#model-folder/manifest/read-manifest.ts";
import { ClientNotWritten } from "./client-not-written.ts";
import { ClientDocument } from "./prepare-document.ts";

export type ModelDocument = {
  readonly model: string;
  /** `version 3`, or that the document is of a folder. */
  readonly version: string;
  readonly document: ClientDocument;
};

/** Bytes; a model of 2,000 inputs has a document of 1 MB. */
const maxBytes = 16 * 1_024 * 1_024;
const limitMs = 20_000;

const readFolder = async (folder: string): Promise<ModelDocument> => {
  const manifest = readManifest(await readFile(join(folder, "model.yaml")));
  const document = openapiDocument({ model: { manifest }, identity: { version: 0 } });
  return {
    model: manifest.name,
    version: "of the model's folder",
    document: ClientDocument.parse(JSON.parse(JSON.stringify(document))),
  };
};

const fetchText = async (url: string): Promise<string> => {
  const key = process.env.SLIPWAY_API_KEY;
  const response = await fetch(url, {
    headers: key === undefined ? {} : { "x-api-key": key },
    signal: AbortSignal.timeout(limitMs),
  }).catch((error: unknown) => {
    throw new ClientNotWritten(`${url} did not respond: check the address, and that the service runs.`, {
      cause: error,
    });
  });
  if (response.status === 401 || response.status === 403)
    throw new ClientNotWritten(`${url} requires a key: set SLIPWAY_API_KEY, and repeat the command.`);
  if (!response.ok)
    throw new ClientNotWritten(`${url} responded with ${response.status}: check the address of the service.`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes)
      throw new ClientNotWritten(`${url} is larger than ${maxBytes} bytes: it is no document of Slipway.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const readService = async (address: string): Promise<ModelDocument> => {
  const url = address.endsWith("/openapi.json") ? address : `${address.replace(/\/+$/, "")}/openapi.json`;
  const document = ClientDocument.safeParse(parseJson(await fetchText(url)));
  const title = /^(\S+), version (\d+)$/.exec(document.data?.info.title ?? "");
  const model = ModelName.safeParse(title?.[1]);
  if (!document.success || !model.success)
    throw new ClientNotWritten(
      `${url} is no OpenAPI document of Slipway's inference service: name the service's address, for example http://localhost:8080.`,
    );
  return { model: model.data, version: `version ${title?.[2]}`, document: document.data };
};

/**
 * The OpenAPI document of a model: by its name, its folder, or the address of its service. Throws ModelUnknown,
 * ManifestInvalid and ClientNotWritten.
 */
export const readDocument = async (model: string): Promise<ModelDocument> => {
  if (/^https?:\/\//.test(model)) return readService(model);
  const roots = ["models", join(checkoutFolder, "models")];
  const folder = [model, ...roots.map((root) => join(root, model))].find((each) =>
    existsSync(join(each, "model.yaml")),
  );
  if (folder !== undefined) return readFolder(folder);
  const names = roots.flatMap(listModelFolders);
  throw explainUnknownModel(model, names);
};
