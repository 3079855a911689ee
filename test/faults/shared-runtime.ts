import { join } from "node:path";
import { openLocalImages } from "#packaging/local-images.ts";
import { createGitSource } from "#platform/source/git.ts";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import { createFunctionHost } from "#worlds/embedded/functions/function-host.ts";
import type { Compute } from "#worlds/embedded/start-embedded-world.ts";

/**
 * Images and functions that many rehearsals share, so that the runtime is packed and onnxruntime is loaded once. They
 * have no state of a delivery: images are stored by digest, a function has only its configuration. A call counts as one
 * millisecond under any load: other tests measure the model's latency.
 * @param root an empty folder
 * @param repository the git repository that all rehearsals watch
 */
export const createSharedRuntime = async (
  root: string,
  repository: string,
): Promise<{ machine: Compute; stop(): Promise<void> }> => {
  const folder = resolveDataFolder(root);
  const { images, imageRoot, runtime } = await openLocalImages({
    folder: { images: join(folder.root, "images") },
    source: createGitSource({ repository }),
    clock: Date.now,
  });
  let calls = 0;
  const functions = createFunctionHost({
    imageRoot,
    metrics: { request: () => undefined, unreported: () => undefined },
    parseEmf: () => undefined,
    onLine: () => undefined,
    staysWarm: async () => true,
    clock: Date.now,
    requestId: () => String(++calls),
  });
  const machine: Compute = {
    images,
    runtime: await runtime(),
    functions: {
      invoke: async (call) => {
        const { payload } = await functions.invoke(call);
        return { payload, durationMs: 1 };
      },
    },
  };
  return { machine, stop: functions.stop };
};
