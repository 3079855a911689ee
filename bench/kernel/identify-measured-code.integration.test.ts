import { expect, test } from "vitest";
import { identifyMeasuredCode } from "./identify-measured-code.ts";

test("the same code has the same hash, and the commit that last changed it", async () => {
  const first = await identifyMeasuredCode();
  expect(await identifyMeasuredCode()).toEqual(first);
  expect(first.hash).toMatch(/^[0-9a-f]{16}$/);
  expect(first.commit).toMatch(/^([0-9a-f]{7,}(-dirty)?|unknown)$/);
});

test("the kernel, its sources and every peer's program belong to the measured code; a report's form does not", async () => {
  const { files } = await identifyMeasuredCode();
  expect(files).toEqual(
    expect.arrayContaining([
      "inference/model/compiled/kernel/kernel.wasm",
      "inference/model/compiled/kernel/open-ensemble.ts",
      "bench/kernel/measure-shape.ts",
      "bench/kernel/python/peer.py",
    ]),
  );
  expect(files).not.toContain("bench/kernel/format-kernel-report.ts");
});
