import type { EngineResult, ShapeResult } from "./measure-shape.ts";

export type TargetResult = {
  readonly what: string;
  readonly atLeast: number;
  /** The other engine's time divided by Slipway's; undefined where one of both was not measured. */
  readonly times: number | undefined;
  readonly isMet: boolean;
};

const readMicros = (engines: readonly EngineResult[], name: string, rows: number): number | undefined => {
  const result = engines.find(({ engine }) => engine === name);
  return result?.status === "measured" ? result.cpuMicros.get(rows)?.median : undefined;
};

/** How many times as long as Slipway an engine takes for one call; undefined where one of both was not measured. */
export const computeTimes = (
  engines: readonly EngineResult[],
  name: string,
  rows: number,
): number | undefined => {
  const slipway = readMicros(engines, "Slipway", rows);
  const other = readMicros(engines, name, rows);
  return slipway === undefined || other === undefined ? undefined : other / slipway;
};

/**
 * A shape's targets, and the one of every shape: never slower than onnxruntime-node. Only those between engines that were
 * selected and are not known to give other answers: an engine that is wrong or missing is in the report by itself.
 */
export const listTargets = (
  { shape, engines }: ShapeResult,
  rowCounts: readonly number[],
): readonly TargetResult[] => {
  const own = engines.find(({ engine }) => engine === "Slipway");
  // onnxruntime answers then, which is as fast as onnxruntime.
  const isCompiled = !(own?.status === "left-out" && own.why.startsWith("not compiled"));
  const general = (isCompiled ? rowCounts : [])
    .filter(
      (rows) => !shape.targets.some((target) => target.rows === rows && target.engine === "onnxruntime-node"),
    )
    .map((rows) => ({ engine: "onnxruntime-node", rows, atLeast: 1 }));
  return [...shape.targets, ...general].flatMap(({ engine, rows, atLeast }) => {
    if (!rowCounts.includes(rows)) return [];
    const times = computeTimes(engines, engine, rows);
    if (times === undefined && own?.status === "measured") return [];
    const what = `${shape.name}, ${rows.toLocaleString("en")} ${rows === 1 ? "row" : "rows"}: times ${engine}`;
    return [{ what, atLeast, times, isMet: times !== undefined && times >= atLeast }];
  });
};
