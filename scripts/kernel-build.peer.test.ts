import { expect, test } from "vitest";
import { requirePython } from "#test/peers/python-environment.ts";
import { buildKernel, readKernel } from "./kernel-build.ts";

const { skip } = requirePython("the build of the kernel");

test.skipIf(skip)(
  "kernel.wasm is the build of its sources, byte for byte: npm run build:kernel",
  async () => {
    expect(Buffer.compare(await buildKernel(), readKernel())).toBe(0);
  },
);
