import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium } from "playwright-core";
import { requirePeer } from "./require-peer.ts";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

export type LaunchOptions = {
  /** Device pixels for each CSS pixel; default 1. */
  readonly deviceScaleFactor?: number;
  /** Host names that this browser resolves to 127.0.0.1. */
  readonly namesOfThisMachine?: readonly string[];
};
export type Browser = AsyncDisposable & { readonly context: BrowserContext };

/** Debian's chromium for tests of pages; requirePeer decides whether its absence skips or fails them. */
export const requireBrowser = (): {
  readonly skip: boolean;
  readonly executablePath: string;
  readonly launch: (options?: LaunchOptions) => Promise<Browser>;
} => {
  const { skip } = requirePeer(
    "browser tests",
    existsSync(executablePath)
      ? undefined
      : `there is no chromium at ${executablePath} (set CHROMIUM, or apt-get install chromium)`,
  );
  return {
    skip,
    executablePath,
    launch: async ({ namesOfThisMachine = [], ...options } = {}) => {
      const profile = await mkdtemp(join(tmpdir(), "slipway-browser-"));
      const context = await chromium.launchPersistentContext(profile, {
        ...options,
        executablePath,
        headless: true,
        args: [
          "--headless",
          "--no-sandbox",
          "--disable-gpu",
          "--disable-quic",
          "--no-first-run",
          "--disable-background-networking",
          "--disable-component-update",
          "--disable-sync",
          ...(namesOfThisMachine.length > 0
            ? [
                `--host-resolver-rules=${namesOfThisMachine.map((name) => `MAP ${name} 127.0.0.1`).join(", ")}`,
              ]
            : []),
        ],
      });
      return {
        context,
        [Symbol.asyncDispose]: async () => {
          await context.close();
          await rm(profile, { recursive: true, force: true, maxRetries: 5 });
        },
      };
    },
  };
};
