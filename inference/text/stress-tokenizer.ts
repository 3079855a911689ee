import { createContext, runInContext } from "node:vm";
import { ModelUnreadable } from "../model/model-unreadable.ts";
import type { Tokenize } from "./open-tokenizer.ts";

const seconds = 5;
const characters = 1_000;

/** Monotonous texts, with and without an end that fits nothing before it: where patterns that backtrack take longest. */
const texts: readonly string[] = ["a", "1", " ", "\n", "!", "'", "_", "é", "a ", "a1", "a'"].flatMap((unit) =>
  ["", "!", "a", "\n"].map((end) => unit.repeat(characters / unit.length) + end),
);

/** The engine's error is of the script's own realm, where Error is another one. */
const isTimeOut = (error: unknown): boolean =>
  typeof error === "object" &&
  error !== null &&
  "code" in error &&
  error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";

/**
 * Tokenizes texts that make a careless pattern in a tokenizer.json take for ever: it would hold the service for as
 * long, whoever sends such a text. A pattern cannot be interrupted but by the engine's own time limit on scripts.
 * Throws ModelUnreadable where a text takes longer than 5 s (milliseconds are usual).
 */
export const stressTokenizer = (tokenize: Tokenize): void => {
  for (const text of texts)
    try {
      runInContext("run()", createContext({ run: () => tokenize(text).length }), {
        timeout: seconds * 1_000,
      });
    } catch (error) {
      if (!isTimeOut(error)) throw error;
      throw new ModelUnreadable(
        `the tokenizer takes longer than ${seconds} s for ${text.length} characters (${JSON.stringify(text.slice(0, 4))}, …): a pattern in it backtracks without end`,
      );
    }
};
