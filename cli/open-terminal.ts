import { createInterface } from "node:readline/promises";

import { endProgress } from "./progress.ts";

/** The person ended the questions. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** Questions on the terminal. Ctrl-C and the end of the input throw Interrupted. */
export const openTerminal = (
  input: NodeJS.ReadableStream = process.stdin,
  output: NodeJS.WritableStream = process.stdout,
) => {
  const terminal = createInterface({ input, output });
  const controller = new AbortController();
  const interrupt = () => controller.abort();
  terminal.once("SIGINT", interrupt);
  terminal.once("close", interrupt);
  return {
    ask: (question: string): Promise<string> => {
      endProgress();
      return terminal.question(question, { signal: controller.signal }).catch((error: unknown) => {
        if (controller.signal.aborted) throw new Interrupted("Nothing was written.");
        throw error;
      });
    },
    close: () => terminal.close(),
  };
};
