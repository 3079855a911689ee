import { listGroupProcesses, waitForGroupExit } from "#test/support/process-tree.ts";
import { watchRehearsal } from "#test/support/rehearsal-process.ts";
import { EventLine } from "./event-line.ts";
import { type Fixture, repositoryRoot, slipwayPath } from "./fixture.ts";

/**
 * `slipway rehearse --json` (or `npm start`) in a separate process. It leads a process group, so that Ctrl-C reaches
 * all its processes as in a terminal, and none of them is left behind.
 */
export const startRehearsalProcess = (
  fixture: Fixture,
  {
    args = [],
    through = "slipway",
  }: { readonly args?: readonly string[]; readonly through?: "slipway" | "npm start" } = {},
) => {
  const allArgs = ["--json", "--data", fixture.data, ...args];
  const [command, commandArgs] =
    through === "npm start"
      ? (["npm", ["start", "--silent", "--", ...allArgs]] as const)
      : ([process.execPath, [slipwayPath, "rehearse", ...allArgs]] as const);
  const rehearsal = watchRehearsal(command, commandArgs, {
    cwd: repositoryRoot,
    env: fixture.env,
    detached: true,
    parseEvent: (value) => EventLine.parse(value),
  });
  const group = rehearsal.pid;
  return {
    ...rehearsal,
    /** Ctrl-C in its terminal: every process of the group gets it. */
    interrupt: () => process.kill(-group, "SIGINT"),
    groupEnded: () => waitForGroupExit(group),
    group: () => listGroupProcesses(group),
    /** Kills what is left, and keeps the output for the search for secrets. */
    [Symbol.asyncDispose]: async () => {
      if (listGroupProcesses(group).length > 0) {
        try {
          process.kill(-group, "SIGKILL");
        } catch {
          // It has just ended.
        }
      }
      await rehearsal.ended();
      fixture.outputs.push(
        { where: `stdout of ${through}`, text: rehearsal.lines.join("\n") },
        { where: `stderr of ${through}`, text: rehearsal.stderr() },
      );
    },
  };
};
export type RehearsalProcess = ReturnType<typeof startRehearsalProcess>;
