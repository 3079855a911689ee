import { execFile } from "node:child_process";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { cachePeerFolder } from "#test/peers/cache-peer-folder.ts";

const run = promisify(execFile);
const lock = join(import.meta.dirname, "..", "lighthouse");
const outputLimit = 64 * 1024 * 1024;
/** Of one run, which takes ten seconds on a quiet machine. */
const runLimitMs = 180_000;

/** Metrics that make the score. https://developer.chrome.com/docs/lighthouse/performance/performance-scoring */
const metricNames = {
  "first-contentful-paint": "FCP",
  "largest-contentful-paint": "LCP",
  "total-blocking-time": "TBT",
  "cumulative-layout-shift": "CLS",
  "speed-index": "SI",
} as const;

const Report = z.object({
  runtimeError: z.object({ code: z.string(), message: z.string() }).optional(),
  categories: z.object({ performance: z.object({ score: z.number().nullable() }) }),
  environment: z.object({ benchmarkIndex: z.number() }),
  audits: z.record(z.string(), z.looseObject({ displayValue: z.string().optional() })),
});

export type LighthousePreset = "mobile" | "desktop";
export type LighthouseResult = {
  /** 0 to 100. */
  readonly score: number;
  /** `FCP 0.9 s, LCP 0.9 s, …`. */
  readonly metrics: string;
  /** How fast the machine was during this run, by Lighthouse's own benchmark; a slow or busy one scores less. */
  readonly machine: number;
};

/**
 * Lighthouse comes once into the user's cache, from bench/lighthouse/package-lock.json, and not with `npm ci`: it is 176 MB,
 * and only this benchmark runs it.
 */
const install = async (): Promise<string> => {
  const madeOf = [
    "lighthouse",
    await readFile(join(lock, "package.json")),
    await readFile(join(lock, "package-lock.json")),
  ];
  const folder = await cachePeerFolder(madeOf, async (building) => {
    await cp(lock, building, { recursive: true });
    const options = ["--ignore-scripts", "--no-audit", "--no-fund"];
    await run("npm", ["ci", ...options], { cwd: building, maxBuffer: outputLimit });
  });
  return join(folder, "node_modules", "lighthouse", "cli", "index.js");
};

/** Chromium's trace sometimes lacks the start of the navigation; Lighthouse then asks to be run again. */
const traceLost = "NO_NAVSTART";
const longestTries = 3;

const measureAgain = async <T>(measure: () => Promise<T>, tries = longestTries): Promise<T> => {
  try {
    return await measure();
  } catch (error) {
    if (tries <= 1 || !String((error as { stderr?: unknown }).stderr).includes(traceLost)) throw error;
    return measureAgain(measure, tries - 1);
  }
};

/**
 * Measures a page with an empty cache: `mobile` simulates a slow 4G connection and a phone's processor, `desktop` a cable
 * connection, each with Lighthouse's own settings. Throws where Lighthouse gives no score.
 * @param chromium path of the browser
 * @param reports folder that keeps the reports, one of each page and preset; undefined: none is kept
 */
export const openLighthouse = async ({
  chromium,
  reports,
}: {
  readonly chromium: string;
  readonly reports?: string | undefined;
}) => {
  const lighthouse = await install();
  return async (page: string, url: string, preset: LighthousePreset): Promise<LighthouseResult> => {
    const { stdout } = await measureAgain(() =>
      run(
        process.execPath,
        [
          ...[lighthouse, url, "--quiet", "--output=json", "--output-path=stdout"],
          ...["--no-enable-error-reporting", "--only-categories=performance"],
          "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
          ...(preset === "desktop" ? ["--preset=desktop"] : []),
        ],
        { env: { ...process.env, CHROME_PATH: chromium }, maxBuffer: outputLimit, timeout: runLimitMs },
      ),
    );
    if (reports !== undefined) {
      await mkdir(reports, { recursive: true });
      await writeFile(join(reports, `${page.replaceAll(" ", "-")}-${preset}.json`), stdout);
    }
    const { runtimeError, categories, audits, environment } = Report.parse(JSON.parse(stdout));
    const { score } = categories.performance;
    if (runtimeError || score === null)
      throw new Error(
        `Lighthouse gives no score for ${url}: ${runtimeError?.message ?? "a metric is missing"} Run the benchmark again; --reports <folder> keeps the reports.`,
      );
    const metrics = Object.entries(metricNames)
      .map(([id, name]) => `${name} ${audits[id]?.displayValue?.replaceAll("\u00a0", " ") ?? "unknown"}`)
      .join(", ");
    return { score: Math.round(score * 100), metrics, machine: Math.round(environment.benchmarkIndex) };
  };
};
