/** Compares the graph of each seed that its parent sends, and sends back the result. */
import { z } from "zod";
import { compareTreeGraph } from "./compare-tree-graph.ts";

process.on("message", (message: unknown) => {
  const seed = z.number().parse(message);
  // An error that nobody expects ends the process, and with it the proof.
  void compareTreeGraph(seed).then((comparison) => process.send?.(comparison));
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
