import { defineConfig } from "vitest/config";

const exclude = ["node_modules", ".slipway", "terraform", "dist"];
const timeouts = { testTimeout: 60_000, hookTimeout: 60_000 };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "slipway",
          include: ["**/*.test.ts"],
          exclude: [...exclude, "**/*.peer.test.ts"],
          ...timeouts,
        },
      },
      {
        // Tests beside servers that we did not write; docs/peers.md tells what they are.
        test: {
          name: "peers",
          include: ["**/*.peer.test.ts"],
          exclude,
          ...timeouts,
          globalSetup: "test/peers/prepare-python.ts",
        },
      },
    ],
  },
});
