import type { Feeds } from "#inference/model/feed-tensor.ts";
import type { Session } from "#inference/model/session.ts";

/** The outputs by name, with their dimensions. */
export const runInOnnxruntime = async (session: Session, feeds: Feeds, outputs: readonly string[]) => {
  const dims = new Map<string, readonly number[]>();
  const data = await session.run(feeds, outputs, (name, sizes) => void dims.set(name, sizes));
  return Object.fromEntries(
    outputs.map((name, index) => [name, { data: data[index], dims: dims.get(name) ?? [] }]),
  );
};
