import type { Manifest, Prediction } from "#model-folder/manifest/manifest.ts";
import { bindInputs } from "#model-folder/onnx/bind-inputs.ts";
import { ModelUnreadable } from "#model-folder/onnx/model-unreadable.ts";
import { encodeRows } from "#model-folder/rows/encode-rows.ts";
import { batchRequests } from "./batch-requests.ts";
import { RowsInvalid } from "./rows-invalid.ts";
import type { Session } from "./session.ts";

type Needs = {
  readonly session: Session;
  readonly outputs: readonly string[];
  readonly read: (data: readonly unknown[], rows: number) => Prediction[];
};

/** Answers rows of a table, a request in one run and small ones together. Throws ModelUnreadable where the graph does not take the manifest's inputs. */
export const predictTable = (manifest: Manifest, { session, outputs, read }: Needs) => {
  const bound = bindInputs(manifest, session.inputs);
  if (bound.status === "mismatched")
    throw new ModelUnreadable(bound.mismatches.map(({ message }) => message).join("\n"));
  const encode = encodeRows(bound.columns);
  return batchRequests(async (rows) => {
    const encoded = encode(rows);
    if (encoded.status === "invalid") throw new RowsInvalid(encoded.problems);
    const feeds = Object.fromEntries(
      encoded.feeds.map(({ name, type, data, dims }) => [name, new session.Tensor(type, data, dims)]),
    );
    return read(await session.run(feeds, outputs), encoded.rows);
  });
};
