import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Hono } from "hono";
import type { Identity, Needs } from "./answer.ts";
import { createApp } from "./app.ts";
import { openModel } from "./open-model.ts";
import { createService } from "./service.ts";

type Options = Pick<Needs, "report" | "log"> &
  Pick<Needs, "now" | "tick" | "newId"> & {
    /** The model's folder. */
    readonly folder: string;
    readonly identity: Pick<Identity, "environment" | "version">;
  };

/**
 * The inference service of a model's folder, for an HTTP server: the same that its function is. The digest that it
 * names is that of the ONNX file, since there is no image. Throws ManifestInvalid or ModelUnreadable.
 */
export const serveModel = async ({
  folder,
  identity,
  ...needs
}: Options): Promise<{ app: Hono; name: string }> => {
  const model = await openModel(folder);
  const { name, artifact } = model.manifest;
  const hash = createHash("sha256").update(await readFile(join(folder, artifact)));
  const service = createService({
    ...needs,
    model,
    identity: {
      ...identity,
      model: name,
      digest: `sha256:${hash.digest("hex")}`,
      functionVersion: String(identity.version),
    },
  });
  return { app: createApp(service), name };
};
