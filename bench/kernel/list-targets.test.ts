import { expect, test } from "vitest";
import { listTargets } from "./list-targets.ts";
import type { EngineResult, ShapeResult } from "./measure-shape.ts";
import type { Shape } from "./shapes.ts";

const comparison = { largest: 0, share: 0, isRight: true };
const measure = (engine: string, micros: number): EngineResult => ({
  engine,
  status: "measured",
  version: "1",
  comparison,
  cpuMicros: new Map([[1, { median: micros, min: micros, max: micros }]]),
});
const shape: Shape = {
  name: "s",
  library: "lightgbm",
  trees: 1,
  depth: 1,
  leaves: 2,
  features: 10,
  classes: 2,
  targets: [{ engine: "lleaves", rows: 1, atLeast: 2 }],
};
const list = (...engines: EngineResult[]) => {
  const trained: ShapeResult["trained"] = { input: "x", output: "p", columns: 2, trees: 1, depth: 1 };
  return listTargets({ shape, trained, engines }, [1]).map(({ what, times, isMet }) => ({
    what,
    times,
    isMet,
  }));
};

test("a target is met by the ratio of medians, and every shape must be as fast as onnxruntime-node", () => {
  expect(list(measure("Slipway", 10), measure("onnxruntime-node", 9), measure("lleaves", 20))).toEqual([
    { what: "s, 1 row: times lleaves", times: 2, isMet: true },
    { what: "s, 1 row: times onnxruntime-node", times: 0.9, isMet: false },
  ]);
});

test("an engine that was not measured is no target, but Slipway with wrong answers misses all", () => {
  expect(list(measure("Slipway", 10), measure("onnxruntime-node", 20))).toEqual([
    { what: "s, 1 row: times onnxruntime-node", times: 2, isMet: true },
  ]);
  const wrong: EngineResult = { engine: "Slipway", status: "wrong", version: "1", comparison };
  expect(list(wrong, measure("onnxruntime-node", 20)).every(({ isMet }) => !isMet)).toBe(true);
});

test("a shape that is not compiled misses its own targets only: onnxruntime answers", () => {
  const refused: EngineResult = { engine: "Slipway", status: "left-out", why: "not compiled: why" };
  expect(list(refused, measure("onnxruntime-node", 20), measure("lleaves", 20))).toEqual([
    { what: "s, 1 row: times lleaves", times: undefined, isMet: false },
  ]);
});
