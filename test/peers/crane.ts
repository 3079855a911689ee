import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { requirePeer } from "#test/support/require-peer.ts";
import { cachePeerFolder } from "./cache-peer-folder.ts";

const run = promisify(execFile);
/** The Go module that lists crane and its dependencies with checksums. */
const module = join(import.meta.dirname, "..", "..", "packaging", "crane");
const startLimitMs = 600_000;

/** Whether tests that need crane are skipped (see `peer`). */
export const requireCrane = (tests: string): { readonly skip: boolean } => {
  const minimum = Number(/^go 1\.(\d+)/m.exec(readFileSync(join(module, "go.mod"), "utf8"))?.[1]);
  const { stdout } = spawnSync("go", ["version"], { encoding: "utf8" });
  const minor = Number(/\bgo1\.(\d+)/.exec(stdout ?? "")?.[1] ?? 0);
  return requirePeer(
    tests,
    minor >= minimum ? undefined : `Go 1.${minimum} or later is missing (https://go.dev/dl)`,
  );
};

/** The folder with `crane`, built once (20 s) from the Go module proxy with that module's checksums. */
export const installCrane = async (): Promise<string> => {
  const files = await Promise.all(["go.mod", "go.sum"].map((name) => readFile(join(module, name))));
  return cachePeerFolder([...files, process.arch], async (building) => {
    const tool = "github.com/google/go-containerregistry/cmd/crane";
    await run("go", ["build", "-trimpath", "-o", join(building, "crane"), tool], {
      cwd: module,
      env: {
        ...process.env,
        CGO_ENABLED: "0",
        GOFLAGS: "-mod=readonly",
        GOTOOLCHAIN: "local",
        GOWORK: "off",
      },
    });
  });
};

/** An image registry in memory on a free port of 127.0.0.1. */
export const startRegistry = async (): Promise<{ readonly address: string; stop(): Promise<void> }> => {
  // The shell stops it when its standard input closes, also when this process is killed.
  const command = '"$0" registry serve --address 127.0.0.1:0 & cat > /dev/null; kill $!';
  const child = spawn("sh", ["-c", command, join(await installCrane(), "crane")], {
    stdio: ["pipe", "ignore", "pipe"],
  });
  const exited = once(child, "exit");
  const limit = setTimeout(() => child.stdin.end(), startLimitMs);
  const lines = createInterface({ input: child.stderr });
  const port = await Promise.race([
    (async () => {
      for await (const line of lines) {
        const port = /serving on port (\d+)/.exec(line)?.[1];
        if (port) return port;
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
