import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cachePeerFolder } from "#test/peers/cache-peer-folder.ts";
import { type Shape, TrainedShape } from "./shapes.ts";

const run = promisify(execFile);
const script = fileURLToPath(new URL("python/train_shape.py", import.meta.url));
const peer = fileURLToPath(new URL("python/peer.py", import.meta.url));

/** A folder of the user's cache with a shape's model; trained once for each script and list of packages. */
export const trainShape = async (
  { name, targets: _targets, quick: _quick, ...shape }: Shape,
  { python, requirements }: { readonly python: string; readonly requirements: string },
): Promise<{ readonly folder: string; readonly trained: TrainedShape }> => {
  const described = JSON.stringify(shape);
  // peer.py too: what the compilers make of a model lies beside it.
  const parts = await Promise.all([script, peer, requirements].map((file) => readFile(file)));
  const folder = await cachePeerFolder([`kernel ${name} ${described}`, ...parts], async (building) => {
    const environment = { ...process.env, OMP_NUM_THREADS: "1" };
    await run(python, [script, building, described], { env: environment, maxBuffer: 16_777_216 });
  });
  const trained = TrainedShape.parse(JSON.parse(await readFile(join(folder, "shape.json"), "utf8")));
  return { folder, trained };
};
