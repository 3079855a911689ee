import { writeFile } from "node:fs/promises";
import { recordingFile, recordingText, requestsOf } from "../terraform/recording.ts";
import { writtenStacks } from "../terraform/written-stacks.ts";
import { functionsWorld } from "./least-privilege/functions-world.ts";
import { typicalEvents } from "./least-privilege/typical-events.ts";

const w = await writtenStacks((s) => ({ ...s, tooling: { ...s.tooling, account: "123456789012" } }));
console.time("all");
const world = await functionsWorld(w);
try {
  console.timeLog("all");
  console.log((await typicalEvents(world)).join("\n"));
  await writeFile(
    "/tmp/calls.json",
    JSON.stringify({ calls: world.recorder.calls, named: [...world.named] }),
  );
  const r = requestsOf(w, world.recorder.calls, world.named);
  await writeFile(recordingFile, recordingText(r));
  console.log(r.length, "requests of", world.recorder.calls.length);
} finally {
  await world.stop();
  await w.remove();
}
console.timeEnd("all");
process.exit();
