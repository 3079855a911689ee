import { afterEach, expect, test, vi } from "vitest";
import { processClock } from "./process-clock.ts";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

test("a function that was restored from a snapshot draws each id without a buffer, and other functions with one", () => {
  const draw = vi.spyOn(process.getBuiltinModule("crypto"), "randomUUID");
  const usual = processClock.newId();
  expect(draw).not.toHaveBeenCalled();
  vi.stubEnv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start");
  const restored = processClock.newId();
  expect(draw.mock.calls).toEqual([[{ disableEntropyCache: true }]]);
  for (const id of [usual, restored]) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/);
});
