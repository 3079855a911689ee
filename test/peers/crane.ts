import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { peer } from "../peer.ts";
import { peersCache } from "./peers-cache.ts";

const run = promisify(execFile);
const module = "github.com/google/go-containerregistry/cmd/crane@v0.22.1";
const startLimitMs = 60_000;

/** The Go that this version of crane asks for, as its go.mod says. */
const leastMinor = 25;

/** Whether tests that need crane are skipped (see `peer`). */
export const cranePeer = (tests: string): { readonly skip: boolean } => {
  const { stdout } = spawnSync("go", ["version"], { encoding: "utf8" });
  const minor = Number(/\bgo1\.(\d+)/.exec(stdout ?? "")?.[1] ?? 0);
  return peer(
    tests,
    minor >= leastMinor ? undefined : `Go 1.${leastMinor} or later is not here (https://go.dev/dl)`,
  );
};

/** The folder that holds `crane`, built once (20 s) from the Go module proxy, by Go's checksum database. */
export const crane = (): Promise<string> =>
  peersCache([module, process.arch], async (building) => {
    await run("go", ["install", module], {
      env: { ...process.env, GOBIN: building, CGO_ENABLED: "0", GOFLAGS: "-trimpath" },
    });
  });

/** A registry on a free port of 127.0.0.1 that keeps what it is given in memory. */
export const startRegistry = async (): Promise<{ readonly address: string; stop(): Promise<void> }> => {
  // The shell ends it when its standard input closes, which it does in whatever way this process dies.
  const command = '"$0" registry serve --address 127.0.0.1:0 & cat > /dev/null; kill $!';
  const child = spawn("sh", ["-c", command, join(await crane(), "crane")], {
    stdio: ["pipe", "ignore", "pipe"],
  });
  const exited = once(child, "exit");
  const limit = setTimeout(() => child.stdin.end(), startLimitMs);
  const lines = createInterface({ input: child.stderr });
  const port = await Promise.race([
    (async () => {
      for await (const line of lines) {
        const found = /serving on port (\d+)/.exec(line)?.[1];
        if (found) return found;
      }
      return undefined;
    })(),
    exited.then(() => undefined),
  ]);
  clearTimeout(limit);
  if (port === undefined) throw new Error("crane's registry did not start");
  child.stderr.resume();
  return {
    address: `127.0.0.1:${port}`,
    stop: async () => {
      child.stdin.end();
      await exited;
    },
  };
};
