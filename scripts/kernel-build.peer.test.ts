import { basename } from "node:path";
import { expect, test } from "vitest";
import { requirePython } from "#test/peers/python-environment.ts";
import { buildKernel, kernels, readKernel } from "./kernel-build.ts";

const { skip } = requirePython("the build of the kernel");

test.skipIf(skip).each(kernels.map((kernel) => [basename(kernel.file), kernel] as const))(
  "%s is the build of its sources, byte for byte: npm run build:kernel",
  async (_, kernel) => {
    expect(Buffer.compare(await buildKernel(kernel), readKernel(kernel))).toBe(0);
  },
);
