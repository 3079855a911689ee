/** Runs each story whose seed its parent sends, and sends back what is wrong. The argument names the store. */
import { z } from "zod";
import { startStoryRunner, storyStores } from "./story-runner.ts";

const runner = await startStoryRunner(z.enum(storyStores).parse(process.argv[2]));
process.on("message", (message: unknown) => {
  const seed = z.number().parse(message);
  // An error that nobody expects ends the process, and with it the proof.
  void runner.run(seed).then(({ wrong, log }) => process.send?.({ seed, wrong, log }));
});
process.on("disconnect", () => void runner.stop().then(() => process.exit()));
process.send?.("ready");
