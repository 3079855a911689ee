import { expect, test } from "vitest";
import { checkReplay } from "./check-replay.ts";

const limits = { errorPoints: 1, latencyP95: { ratio: 1.5, slackMs: 20 }, labelSharePoints: 10 };
const call = (labels: readonly string[]) => ({
  prediction: { labels: [...labels], scores: {} },
  durationMs: 1,
});
const replay = (challenger: (row: number) => readonly string[]) =>
  checkReplay(
    Array.from({ length: 300 }, (_, row) => ({
      champion: call(["a", "b"]),
      challenger: call(challenger(row)),
    })),
    limits,
    ["a", "b"],
  ).find(({ name }) => name === "replay labels");

test("of rows with several labels each label's share is compared on its own", () => {
  expect(replay(() => ["a", "b"])).toMatchObject({ verdict: "pass", measured: 0 });
  const changed = replay((row) => (row % 2 === 0 ? ["a"] : ["a", "b"]));
  expect(changed).toMatchObject({ verdict: "fail", measured: 50 });
  expect(changed?.detail).toContain("largest label shift: b -50 pp");
});
