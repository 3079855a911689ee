import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Imports a bundle in a process of its own, which has these variables alone, and calls its handler with each event.
 * `answers`: what the handler gave, `error`: what ended the process.
 */
export const runBundle = async (
  file: string,
  variables: Readonly<Record<string, string>>,
  events: readonly unknown[] = [],
): Promise<{ readonly answers: readonly unknown[]; readonly error: string; readonly code: unknown }> => {
  const program = `
    try {
      const { handler } = await import(${JSON.stringify(`file://${file}`)});
      if (typeof handler !== "function") throw new Error("there is no handler");
      const answers = [];
      for (const event of ${JSON.stringify(events)}) answers.push(await handler(event));
      process.stdout.write(JSON.stringify(answers), () => process.exit(0));
    } catch (fault) {
      process.stderr.write(fault.name + ": " + fault.message, () => process.exit(1));
    }`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    env: { ...variables },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let error = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    error += text;
  });
  const [code] = await once(child, "close");
  return { answers: code === 0 ? JSON.parse(out) : [], error, code };
};
