import type { Tensor } from "onnxruntime-node";
import type { EncodedFeed } from "#model-folder/rows/encode-rows.ts";
import type { Session } from "./session.ts";

/** Creates onnxruntime's tensors of encoded rows, by the graph's input names. */
export const createFeeds = (
  session: Pick<Session, "Tensor">,
  feeds: readonly EncodedFeed[],
): Readonly<Record<string, Tensor>> =>
  Object.fromEntries(
    feeds.map(({ name, type, data, dims }): [string, Tensor] => [
      name,
      // onnxruntime's types do not have Float16Array yet; its constructor takes it.
      Reflect.construct(session.Tensor, [type, data, dims]),
    ]),
  );
