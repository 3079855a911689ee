import { createInterface } from "node:readline/promises";

import { endProgress } from "./progress.ts";

/** The person ended the questions. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  /** By Ctrl-C, not by the end of the input. */
  readonly byKey: boolean;
  constructor(message: string, byKey: boolean) {
    super(message);
    this.byKey = byKey;
  }
}

/** Questions on the terminal. Ctrl-C and the end of the input throw Interrupted. */
export const openTerminal = (
  input: NodeJS.ReadableStream = process.stdin,
  output: NodeJS.WritableStream = process.stdout,
) => {
  const terminal = createInterface({ input, output });
  const controller = new AbortController();
  let byKey = false;
  terminal.once("SIGINT", () => {
    byKey = true;
    controller.abort();
    // The terminal shows no line break for the key.
    output.write("\n");
  });
  terminal.once("close", () => controller.abort());
  return {
    ask: (question: string): Promise<string> => {
      endProgress();
      return terminal.question(question, { signal: controller.signal }).catch((error: unknown) => {
        if (controller.signal.aborted) throw new Interrupted("Nothing was written.", byKey);
        throw error;
      });
    },
    close: () => terminal.close(),
  };
};
