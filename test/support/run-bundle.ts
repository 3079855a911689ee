import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { findSentinelSecrets } from "./sentinel-secrets.ts";

export type BundleRun = {
  /** The handler's results. */
  readonly answers: readonly unknown[];
  /** What ended the process: the error's name and message. */
  readonly error: string;
  readonly code: unknown;
  /** Its log: each line of both outputs. */
  readonly lines: readonly string[];
};

/**
 * Imports a bundle in a separate process with only these variables, and calls its handler with each event. Throws where
 * its log holds a marked secret.
 */
export const runBundle = async (
  file: string,
  variables: Readonly<Record<string, string>>,
  events: readonly unknown[] = [],
): Promise<BundleRun> => {
  // Results come through a separate pipe, because stdout and stderr are the function's log.
  const program = `
    import { writeSync } from "node:fs";
    import { text } from "node:stream/consumers";
    const result = { answers: [], error: "", code: 0 };
    try {
      const { handler } = await import(${JSON.stringify(`file://${file}`)});
      if (typeof handler !== "function") throw new Error("there is no handler");
      for (const event of JSON.parse(await text(process.stdin))) result.answers.push(await handler(event));
    } catch (error) {
      result.error = error.name + ": " + error.message;
      // As Lambda's runtime logs an error: with every property.
      result.left = JSON.stringify(error, (key, value) => value instanceof Error ? { ...value, stack: value.stack } : value);
      result.code = 1;
    }
    for (let rest = Buffer.from(JSON.stringify(result)); rest.length > 0; ) rest = rest.subarray(writeSync(3, rest));
    process.exit(result.code);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    env: { ...variables },
    stdio: ["pipe", "pipe", "pipe", "pipe"],
  });
  const [stdin, stdout, stderr, results] = child.stdio as unknown as readonly [
    Writable,
    Readable,
    Readable,
    Readable,
  ];
  // Not in the program's text, because an argument is limited to 128 KB. They are read as a stream, because a bundle that
  // opens its standard input stops it from blocking, and a read of what is not there yet then fails. A process that ends before it reads reports that itself.
  stdin.on("error", () => {}).end(JSON.stringify(events));
  const [out, err, result] = await Promise.all([
    text(stdout),
    text(stderr),
    buffer(results),
    once(child, "close"),
  ]);
  const { answers, error, code, left = "" } = JSON.parse(result.toString("utf8"));
  const secrets = findSentinelSecrets(`${out}\n${err}\n${left}`);
  if (secrets.length > 0) throw new Error(`the log of ${file} holds ${secrets.join(", ")}`);
  const lines = `${out}\n${err}`.split("\n").filter((line) => line !== "");
  return { answers, error, code, lines };
};
