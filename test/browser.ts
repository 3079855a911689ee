import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium } from "playwright-core";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Picture elements for each CSS pixel; 1 unless said. */
export type LaunchOptions = { readonly deviceScaleFactor?: number };
export type Browser = AsyncDisposable & { readonly context: BrowserContext };

/**
 * The one rule for tests that need a browser: without Debian's chromium they are skipped, and say so;
 * under CI=true they fail instead, so that no run passes without having looked.
 */
export const browser = (): {
  readonly skip: boolean;
  readonly launch: (options?: LaunchOptions) => Promise<Browser>;
} => {
  const missing = !existsSync(executablePath);
  if (missing && process.env.CI === "true")
    throw new Error(
      `There is no chromium at ${executablePath}, and CI=true allows no skipping: install the Debian package chromium.`,
    );
  if (missing)
    console.warn(
      `SKIPPED: browser tests, because there is no chromium at ${executablePath} (set CHROMIUM, or apt-get install chromium).`,
    );
  return {
    skip: missing,
    launch: async (options = {}) => {
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
