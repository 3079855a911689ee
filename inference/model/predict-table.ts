import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { bindInputs } from "#model-folder/onnx/bind-inputs.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { encodeRows } from "#model-folder/rows/encode-rows.ts";
import { batchRequests } from "./batch-requests.ts";
import { createFeeds } from "./create-feeds.ts";
import { RowsInvalid } from "./rows-invalid.ts";
import type { Session } from "./session.ts";

type Dependencies = {
  readonly session: Session;
  readonly outputs: readonly string[];
  readonly read: (data: readonly unknown[], rows: number) => Prediction[];
};

/** What reads a model's images; undefined for a model without any, which does not load it. */
const openImagesIfAny = async ({ inputs }: Manifest) => {
  if (!inputs.some(({ type }) => type === "image")) return undefined;
  const { openImages } = await import("#inference/image/open-images.ts");
  return openImages();
};

/** Predicts rows of a table in batches of small requests. Throws ModelUnreadable if graph and manifest do not match. */
export const predictTable = async (manifest: Manifest, { session, outputs, read }: Dependencies) => {
  const binding = bindInputs(manifest, session.inputs);
  if (binding.status === "mismatched")
    throw new ModelUnreadable(binding.mismatches.map(({ message }) => message).join("\n"));
  const images = await openImagesIfAny(manifest);
  const encode = encodeRows(binding.columns, images);
  return batchRequests(async (rows) => {
    await images?.prepare();
    const encoded = encode(rows);
    if (encoded.status === "invalid") throw new RowsInvalid(encoded.problems);
    return read(await session.run(createFeeds(session, encoded.feeds), outputs), encoded.rows);
  });
};
