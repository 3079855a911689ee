/**
 * Serves a prepared folder: `node serve-process.mjs <request file>`. `slipway serve` becomes this program when it has read
 * and tried the model (hand-over.ts).
 */
import { endOnInterrupt } from "#cli/end-on-interrupt.ts";
import { ignoreOutputErrors } from "#worlds/embedded/write-to-stream.ts";
import { takeRequest } from "./hand-over.ts";
import { serveFolder } from "./serve-folder.ts";

ignoreOutputErrors();
endOnInterrupt();
try {
  const { folder, prepared, options } = takeRequest(process.argv[2] ?? "");
  await serveFolder(folder, prepared, options);
} catch (error) {
  // What reports errors is loaded only for one.
  const [{ Command }, { reportError }] = await Promise.all([
    import("commander"),
    import("#cli/report-error.ts"),
  ]);
  reportError(error, new Command("slipway"), process.argv.slice(3));
  process.exit();
}
