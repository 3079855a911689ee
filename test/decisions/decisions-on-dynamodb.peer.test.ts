import pMap from "p-map";
import { expect, test } from "vitest";
import { requirePython } from "#test/peers/python-environment.ts";
import { listSeeds } from "./list-seeds.ts";
import { startStoryRunner } from "./story-runner.ts";

const { skip } = requirePython("decisions on DynamoDB");

test.skipIf(skip)(
  "clicks, retries, kills and sweeps in any order lead to exactly one decision, on DynamoDB",
  async () => {
    const runner = await startStoryRunner("dynamodb");
    try {
      const check = async (seed: number) => {
        const { wrong, log } = await runner.run(seed);
        expect(wrong, `SLIPWAY_SEED=${seed}\n${log.join("\n")}`).toEqual([]);
      };
      await pMap(listSeeds(8), check, { concurrency: 4 });
    } finally {
      await runner.stop();
    }
  },
);
