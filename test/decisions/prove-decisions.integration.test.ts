import { expect, test } from "vitest";
import { firstSeed } from "./list-seeds.ts";
import { type DecisionsProof, proveDecisions } from "./prove-decisions.ts";

const options = { store: "sqlite", runs: 6, first: firstSeed, processes: 2, atOnce: 2 } as const;

test("every story runs once, in several processes", async () => {
  const seen: number[] = [];
  const { signal } = new AbortController();
  const onProgress = ({ done }: DecisionsProof) => void seen.push(done);
  const proof = await proveDecisions({ ...options, signal, onProgress });
  expect(proof).toMatchObject({ done: 6, wrong: [], next: firstSeed + 6 });
  expect(proof.mishaps).toBeGreaterThan(0);
  expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
});

test("a proof that is stopped says from which seed it goes on, and leaves no story out", async () => {
  const stop = new AbortController();
  const proof = await proveDecisions({
    ...options,
    ...{ runs: 1_000, processes: 1, atOnce: 1, signal: stop.signal },
    onProgress: ({ done }) => {
      if (done === 3) stop.abort();
    },
  });
  expect(proof).toMatchObject({ done: 3, next: firstSeed + 3 });
});
