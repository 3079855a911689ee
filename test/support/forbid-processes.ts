/**
 * Set-up of the unit tests: they start no server, process or thread, so that they stay fast. A test that needs one
 * belongs in a file named `*.integration.test.ts`.
 */
import childProcess from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";
import workerThreads from "node:worker_threads";

const forbid = (owner: object, name: string): void => {
  const refuse = () => {
    throw new Error(`a unit test may not call ${name}: move it to a file named *.integration.test.ts`);
  };
  Object.defineProperty(owner, name, { value: refuse, configurable: true, writable: true });
};

for (const name of ["exec", "execFile", "execFileSync", "execSync", "fork", "spawn", "spawnSync"])
  forbid(childProcess, name);
forbid(net.Server.prototype, "listen");
forbid(workerThreads, "Worker");
syncBuiltinESMExports();
