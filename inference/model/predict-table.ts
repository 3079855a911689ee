import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { bindInputs } from "#model-folder/onnx/bind-inputs.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { encodeRows } from "#model-folder/rows/encode-rows.ts";
import { batchRequests } from "./batch-requests.ts";
import { RowsInvalid } from "./rows-invalid.ts";
import type { Session } from "./session.ts";

type Dependencies = {
  readonly session: Session;
  readonly outputs: readonly string[];
  readonly read: (data: readonly unknown[], rows: number) => Prediction[];
};

/** Predicts rows of a table in batches of small requests. Throws ModelUnreadable if graph and manifest do not match. */
export const predictTable = (manifest: Manifest, { session, outputs, read }: Dependencies) => {
  const binding = bindInputs(manifest, session.inputs);
  if (binding.status === "mismatched")
    throw new ModelUnreadable(binding.mismatches.map(({ message }) => message).join("\n"));
  const encode = encodeRows(binding.columns);
  return batchRequests(async (rows) => {
    const encoded = encode(rows);
    if (encoded.status === "invalid") throw new RowsInvalid(encoded.problems);
    const feeds = Object.fromEntries(
      encoded.feeds.map(({ name, type, data, dims }) => [name, new session.Tensor(type, data, dims)]),
    );
    return read(await session.run(feeds, outputs), encoded.rows);
  });
};
