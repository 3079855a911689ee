import { exitCode } from "./exit-code.ts";
import { endProgress } from "./progress.ts";

/**
 * Ends the command at Ctrl-C with exit code 130: temporary folders are removed, and the shell's next line starts on a line
 * of its own. A command that listens itself (`rehearse`, `serve`) ends itself; a second Ctrl-C ends it nevertheless.
 */
export const endOnInterrupt = (): void => {
  process.on("SIGINT", () => {
    if (process.listenerCount("SIGINT") > 1) return;
    endProgress();
    if (process.stderr.isTTY) process.stderr.write("\n");
    process.exit(exitCode.interrupted);
  });
};
