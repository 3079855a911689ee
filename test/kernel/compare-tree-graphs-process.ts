/** Compares the graph of each seed that its parent sends, and sends back the result. */
import { z } from "zod";
import { compareDenseGraph } from "./compare-dense-graph.ts";
import { compareTreeGraph } from "./compare-tree-graph.ts";

process.on("message", (message: unknown) => {
  const seed = z.number().parse(message);
  // Every third graph is a linear model or a network.
  const compare = seed % 3 === 0 ? compareDenseGraph : compareTreeGraph;
  // An error that nobody expects ends the process, and with it the proof.
  void compare(seed).then((comparison) => process.send?.(comparison));
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
