import { drawRatioPlot } from "../document/draw-ratio-plot.ts";
import { computeTimes } from "./list-targets.ts";
import type { ShapeResult } from "./measure-shape.ts";

/**
 * How many times as long as Slipway each engine takes (SVG). A shape without Slipway's own time is not drawn; an engine with
 * wrong answers has a line of text in place of its dot.
 */
export const drawKernelPlot = (shapes: readonly ShapeResult[], rows: number): string => {
  const groups = shapes.flatMap(({ shape, engines }) => {
    if (computeTimes(engines, "Slipway", rows) === undefined) return [];
    const dots = engines
      .filter(({ status }) => status !== "left-out")
      .map(({ engine }) => ({ label: engine, times: computeTimes(engines, engine, rows) }));
    return [{ name: shape.name, dots }];
  });
  const title = `Processor time of a call with ${rows.toLocaleString("en")} ${rows === 1 ? "row" : "rows"}, compared with Slipway (less is faster)`;
  return drawRatioPlot(title, groups);
};
