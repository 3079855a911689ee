/**
 * The embedded world in a process of its own, which delivers one model and approves it:
 * `node deliver-model-process.ts <folder with policy.yaml and models/> <data folder> <model>`. Prints a rehearsal's events
 * and, after each of a delivery's states, the most memory that this process had in it: gateway, engine, desk and the
 * steps' thread, but not the processes that run the model. Then prod serves the model until SIGTERM.
 */
import { once } from "node:events";
import { fastWorldOptions } from "#test/support/fast-world-options.ts";
import { resetPeaks } from "#test/support/process-tree.ts";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import { createJsonReporter } from "#worlds/embedded/reporter.ts";
import { runScenario } from "#worlds/embedded/scenario/scenario.ts";
import { startEmbeddedWorld } from "#worlds/embedded/start-embedded-world.ts";

const [checkout = "", data = "", model = ""] = process.argv.slice(2);
const terminated = once(process, "SIGTERM");
const reporter = createJsonReporter();
const rehearsal = await startEmbeddedWorld({
  folder: resolveDataFolder(data),
  checkout,
  ...fastWorldOptions,
  reporter: {
    say: reporter.say,
    event: (event) => {
      reporter.event(event);
      if (event.event !== "state") return;
      if (event.status !== "entered") {
        const peakMb = process.resourceUsage().maxRSS / 1_024;
        console.log(JSON.stringify({ event: "memory", state: event.state, peakMb }));
      }
      resetPeaks(process.pid);
    },
  },
});
await rehearsal.begin();
const delivered = runScenario(rehearsal, { model, decisions: "approve", reporter }).then(() =>
  console.log(JSON.stringify({ event: "delivered" })),
);
// A delivery that SIGTERM interrupts fails after this, without a reader.
delivered.catch(() => undefined);
await Promise.race([delivered, terminated]);
await terminated;
await rehearsal.stop();
