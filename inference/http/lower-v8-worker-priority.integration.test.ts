import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const module = fileURLToPath(new URL("./lower-v8-worker-priority.ts", import.meta.url));
const program = `
  import { readdirSync, readFileSync } from "node:fs";
  import { getPriority } from "node:os";
  const { lowerV8WorkerPriority } = await import(${JSON.stringify(module)});
  lowerV8WorkerPriority();
  const threads = readdirSync("/proc/self/task").map((id) =>
    [readFileSync("/proc/self/task/" + id + "/comm", "utf8").trim(), getPriority(Number(id))]);
  console.log(JSON.stringify({ helpers: threads.filter(([name]) => name === "V8Worker").map(([, at]) => at), answers: getPriority(process.pid) }));`;

test.runIf(process.platform === "linux")(
  "V8's worker threads get a lower priority, and the thread that responds keeps its own",
  () => {
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
      encoding: "utf8",
    });
    const { helpers, answers } = JSON.parse(stdout);
    expect(helpers.length).toBeGreaterThan(0);
    for (const helper of helpers) expect(helper).toBe(answers + 10);
  },
);
