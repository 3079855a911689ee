import { afterEach, beforeEach, expect, test } from "vitest";
import type { Scan } from "#platform/images/images.ts";
import { createBuildVariables } from "#test/support/fake-build.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { toyModel } from "#test/support/toy-model.ts";
import { scanImage } from "./scan-image.ts";

let world: MemoryWorld;
beforeEach(() => {
  world = createMemoryWorld();
});
afterEach(() => world.close());

const scan = (result: Scan) =>
  scanImage({
    ...world,
    images: { scan: async () => result },
  })({
    delivery: "d",
    model: toyModel,
    commit: world.commit("a"),
    build: createBuildVariables("a", 1_000_000_000),
  });
const complete = (changes: object = {}): Scan => ({
  status: "complete",
  findings: [],
  scanned: { npm: 3 },
  unknownEcosystems: [],
  ...changes,
});
const finding = {
  id: "GHSA-1",
  package: "left-pad",
  version: "1.0.0",
  severity: "critical",
  summary: "",
} as const;

test("the step waits for a scan until 30 minutes after the build, and not longer", async () => {
  world.time.now = 1_000_000_000 + 30 * 60_000;
  expect(await scan({ status: "pending" })).toEqual({ status: "pending" });
  world.time.now++;
  await expect(scan({ status: "pending" })).rejects.toMatchObject({ name: "ImageScanFailed" });
});

test("a finding over the limit fails, and the error names it", async () => {
  await expect(scan(complete({ findings: [finding] }))).rejects.toMatchObject({
    name: "ImageScanFailed",
    message: expect.stringContaining("left-pad 1.0.0 (GHSA-1)"),
  });
});

test("a clean scan passes; packages without advisories, or no packages, make it inconclusive", async () => {
  expect(await scan(complete())).toMatchObject({ status: "complete", verdict: "pass" });
  for (const changes of [{ unknownEcosystems: ["pypi"] }, { scanned: {} }])
    expect(await scan(complete(changes))).toMatchObject({ status: "complete", verdict: "inconclusive" });
});
