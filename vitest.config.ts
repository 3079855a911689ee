import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Tests of many minutes, which `npm test` leaves out: `npm run test:long`. */
const long = [
  "test/infrastructure/*.test.ts",
  "test/peers/moto-world/*.peer.test.ts",
  "terraform/recorded-calls.peer.test.ts",
  "test/end-to-end/large-model.test.ts",
  "test/peers/exports/*.peer.test.ts",
];
/** A rehearsal with MLflow. It runs alone, because its canary waits for requests and other tests make these slow. */
const alone = ["test/end-to-end/mlflow.peer.test.ts"];
const never = ["node_modules", ".slipway", "terraform", "dist", ...long, ...alone];
/** Tests with a server, a process or a thread: a unit test may start none (`npm run test:unit`). */
const integration = ["**/*.integration.test.ts"];
/** Runs of the complete system, one after the other, because the gates of the manifest judge their latencies. */
const whole = ["test/end-to-end/**/*.test.ts"];
/** Kills of the complete system at any moment: `npm run test:faults`. No gate judges latencies in them. */
const faults = ["test/faults/**/*.test.ts"];
/** Attacks that must fail: `npm run test:attacks`. docs/threat-model.md lists them. */
const attacks = ["test/attacks/**/*.test.ts"];
/** Tests with third-party servers and tools: `npm run test:peers`. */
const peers = ["**/*.peer.test.ts"];
const checkov = ["terraform/checkov.peer.test.ts"];
// Deadlines against endless waits: a machine with other work is several times slower than a quiet one.
const timeouts = { testTimeout: 600_000, hookTimeout: 600_000 };
/** For tests that take minutes on a quiet machine. */
const longTimeouts = { testTimeout: 1_800_000, hookTimeout: 1_800_000 };

/** Terraform, moto, MLflow, stacks: three at a time, because they mostly wait for other processes. */
const beside = { maxWorkers: 3, sequence: { groupOrder: 3 } };

/** Starts the longest tests of a group first; a fresh clone has no earlier durations to sort by. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted(
      (one, other) => Number(other.project.name === "long") - Number(one.project.name === "long"),
    );
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    projects: [
      {
        test: {
          name: "unit",
          include: ["**/*.test.ts"],
          exclude: [...never, ...integration, ...whole, ...faults, ...attacks, ...peers],
          setupFiles: "test/support/forbid-processes.ts",
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
          ...timeouts,
        },
      },
      {
        test: {
          name: "integration",
          include: integration,
          exclude: [...never, ...attacks, ...peers],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          ...timeouts,
        },
      },
      {
        test: {
          name: "whole",
          include: whole,
          exclude: [...never, ...integration, ...peers],
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          ...timeouts,
        },
      },
      {
        test: {
          name: "faults",
          include: faults,
          exclude: [...never, ...peers],
          maxWorkers: 2,
          sequence: { groupOrder: 4 },
          ...timeouts,
        },
      },
      {
        test: {
          name: "attacks",
          include: attacks,
          exclude: [...never, ...peers],
          maxWorkers: 2,
          sequence: { groupOrder: 4 },
          ...timeouts,
        },
      },
      {
        // The synthesized stacks: Terraform checks them, and nothing is applied.
        test: {
          name: "terraform",
          include: ["terraform/**/*.test.ts"],
          exclude: ["**/node_modules", "terraform/cdktf.out", ...peers, ...long],
          ...beside,
          ...timeouts,
        },
      },
      {
        test: {
          name: "checkov",
          include: checkov,
          globalSetup: "test/peers/prepare-checkov.ts",
          ...beside,
          ...timeouts,
        },
      },
      {
        // The stacks applied to moto, the complete system on moto, the proof of least privilege.
        test: {
          name: "long",
          include: long,
          globalSetup: ["test/peers/prepare-moto.ts", "test/peers/prepare-peers.ts"],
          ...beside,
          ...longTimeouts,
        },
      },
      {
        test: {
          name: "alone",
          include: alone,
          globalSetup: "test/peers/prepare-peers.ts",
          sequence: { groupOrder: 5 },
          ...timeouts,
        },
      },
      {
        // Tests with third-party servers (docs/peers.md).
        test: {
          name: "peers",
          include: peers,
          exclude: [
            "**/node_modules",
            ".slipway",
            "dist",
            "terraform/cdktf.out",
            ...checkov,
            ...long,
            ...alone,
          ],
          globalSetup: "test/peers/prepare-peers.ts",
          ...beside,
          ...timeouts,
        },
      },
    ],
  },
});
