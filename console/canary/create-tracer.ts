type TimedPoint = {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Percent of prod's traffic. */
  readonly percent: number;
};

/** Pixels. */
type Ends = { readonly low: number; readonly high: number };

/** A single measurement has no width of its own. */
const halfWidth = 3;

/** Lines break where a step begins, because each step is measured from its own start. */
const splitSteps = <Point extends TimedPoint>(points: readonly Point[]): readonly (readonly Point[])[] => {
  const groups: Point[][] = [];
  for (const point of points)
    if (groups.at(-1)?.at(-1)?.percent === point.percent) groups.at(-1)?.push(point);
    else groups.push([point]);
  return groups;
};

/**
 * Draws SVG paths over the time of a canary.
 * @param points oldest first, at least one
 * @param pixels of the first and of the last point
 */
export const createTracer = <Point extends TimedPoint>(
  points: readonly Point[],
  { left, right }: { readonly left: number; readonly right: number },
) => {
  const first = points[0]?.at ?? 0;
  const elapsed = Math.max(1, (points.at(-1)?.at ?? 0) - first);
  const toX = (at: number): number =>
    points.length === 1
      ? (left + right) / 2
      : Number((left + ((at - first) / elapsed) * (right - left)).toFixed(1));
  const steps = splitSteps(points);
  return {
    elapsed,
    toX,
    steps,

    /** Through the points that `pick` finds a pixel for. */
    line: (pick: (point: Point) => number | null | undefined): string =>
      steps
        .map((step) => {
          const path = step.flatMap((point) => {
            const y = pick(point);
            return y === null || y === undefined ? [] : [`${toX(point.at)},${y}`];
          });
          return path.length > 0 ? `M${path.join("L")}` : "";
        })
        .join(""),

    band: (pick: (point: Point) => Ends | null | undefined): string =>
      steps
        .map((step) => {
          const ends = step.flatMap((point) => {
            const found = pick(point);
            return found ? [{ x: toX(point.at), ...found }] : [];
          });
          const wide =
            ends.length === 1
              ? ends.flatMap((end) => [
                  { ...end, x: end.x - halfWidth },
                  { ...end, x: end.x + halfWidth },
                ])
              : ends;
          if (wide.length === 0) return "";
          const upper = wide.map(({ x, high }) => `${x},${high}`);
          const lower = wide.toReversed().map(({ x, low }) => `${x},${low}`);
          return `M${[...upper, ...lower].join("L")}Z`;
        })
        .join(""),
  };
};
