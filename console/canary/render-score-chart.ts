import { html } from "hono/html";
import { formatDuration } from "#domain/canary/format-duration.ts";
import { roundToDigits } from "#domain/gates/number-format.ts";
import type { Html } from "../html.ts";
import { formatMoment } from "../render-time.ts";
import { createChartScale } from "./chart-scale.ts";
import { createTracer } from "./create-tracer.ts";
import type { ScoreChart, ScorePercentiles, ScorePoint } from "./list-score-chart.ts";
import { verdictMarks } from "./verdict-marks.ts";

const width = 340;
const height = 312;
const inner = { left: 40, right: 330 } as const;
/** One above the other with equal axes: four bands on top of each other could not be told apart. */
const panels = [
  { arm: "challenger", other: "champion", name: "new version", top: 18, bottom: 138 },
  { arm: "champion", other: "challenger", name: "prod's version", top: 158, bottom: 278 },
] as const;
/** Rows of the table: enough to follow a line. */
const maxRows = 40;

const format = (value: number): string => String(roundToDigits(value, 3)).replace("-", "−");
const formatPercentiles = (found: ScorePercentiles | null): string =>
  found
    ? `${format(found.p50)} (${format(found.p25)} to ${format(found.p75)}; ${format(found.p10)} to ${format(found.p90)})`
    : "none yet";

/** The last median, with the version's mark of the other charts. */
const renderEnd = (
  arm: (typeof panels)[number]["arm"],
  points: readonly ScorePoint[],
  place: (point: ScorePoint, found: ScorePercentiles) => { readonly x: number; readonly y: number },
): Html => {
  const last = points.findLast((point) => point[arm]);
  const found = last?.[arm];
  if (!last || !found) return html``;
  const { x, y } = place(last, found);
  return arm === "champion"
    ? html`<rect class="end champion" x="${x - 4}" y="${y - 4}" width="8" height="8"/>`
    : html`<circle class="end challenger" cx="${x}" cy="${y}" r="4.5"/>`;
};

const renderPanel = (
  { arm, other, name, top, bottom }: (typeof panels)[number],
  points: readonly ScorePoint[],
  tracer: ReturnType<typeof createTracer<ScorePoint>>,
): Html => {
  const values = points.flatMap(({ champion, challenger }) =>
    [champion, challenger].flatMap((found) => (found ? [found.p10, found.p90] : [])),
  );
  const domain = [Math.min(...values), Math.max(...values)] as const;
  const { toPixel: toY, ticks } = createChartScale(domain, [bottom, top], 5);
  const { steps, toX, line, band } = tracer;
  const ends = (low: keyof ScorePercentiles, high: keyof ScorePercentiles) =>
    band(({ [arm]: found }) => found && { low: toY(found[low]), high: toY(found[high]) });
  const median = (of: typeof arm | typeof other) => line(({ [of]: found }) => found && toY(found.p50));
  return html`${ticks.map((tick) => html`<line class="grid" x1="${inner.left}" x2="${inner.right}" y1="${toY(tick)}" y2="${toY(tick)}"/><text class="tick" x="${inner.left - 5}" y="${toY(tick) + 3.5}" text-anchor="end">${format(tick)}</text>`)}
<text class="tick panel-name" x="${inner.left}" y="${top - 6}">${name}</text>
<path class="band wide ${arm}" d="${ends("p10", "p90")}"/>
<path class="band narrow ${arm}" d="${ends("p25", "p75")}"/>
${steps.slice(1).map((step) => (step[0] ? html`<line class="step-line" x1="${toX(step[0].at)}" x2="${toX(step[0].at)}" y1="${top}" y2="${bottom}"/><text class="tick" x="${toX(step[0].at) + 3}" y="${top + 8}">${step[0].percent} %</text>` : ""))}
<path class="median other ${other}" d="${median(other)}"/>
<path class="median ${arm}" d="${median(arm)}"/>
${renderEnd(arm, points, (point, found) => ({ x: toX(point.at), y: toY(found.p50) }))}
<line class="axis" x1="${inner.left}" x2="${inner.right}" y1="${bottom}" y2="${bottom}"/>`;
};

/**
 * The scores of both versions over the time of a canary: the median, the band of the middle half and that of the middle
 * 80 %. Each version has a panel of its own with the other's median, so that the chart is read without colour. A table
 * has the same numbers.
 */
export const renderScoreChart = ({
  score,
  points,
  missing,
}: Extract<ScoreChart, { status: "chart" }>): Html => {
  const tracer = createTracer(points, inner);
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return html``;
  const judged = points.filter(({ verdict }) => verdict !== null);
  const every = Math.ceil(points.length / maxRows);
  const rows = points.filter(
    ({ verdict }, index) => verdict !== null || index % every === 0 || index === points.length - 1,
  );
  const words = "median (middle half; middle 80 %)";
  return html`<figure class="chart canary-chart"><figcaption><b>Score distribution</b> <span class="faint">${score}</span><span class="chart-now">${last.challenger ? format(last.challenger.p50) : "–"} <span class="faint">prod ${last.champion ? format(last.champion.p50) : "–"}</span></span></figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="scores-title scores-desc">
<title id="scores-title">Score distribution of both versions over ${formatDuration(tracer.elapsed)}</title>
<desc id="scores-desc">The score is the ${score}; ${words}. New version ${formatPercentiles(last.challenger)}; prod's version ${formatPercentiles(last.champion)}. The table below has every value.</desc>
${panels.map((panel) => renderPanel(panel, points, tracer))}
${judged.map(({ at, verdict }) => (verdict ? html`<text class="judged ${verdict}" x="${tracer.toX(at)}" y="291" text-anchor="middle">${verdictMarks[verdict]}</text>` : ""))}
<text class="tick" x="${inner.left}" y="${height - 4}">${new Date(first.at).toISOString().slice(11, 16)} UTC</text>
<text class="tick" x="${inner.right}" y="${height - 4}" text-anchor="end">+${formatDuration(tracer.elapsed)}</text>
</svg>
<p class="chart-rule"><span class="faint">not judged: shown for people. Dark band: the middle half of the scores; light band: the middle 80 %; line: their median; dotted: the other version's. Of a request with more than 20 rows, 20 scores count.${missing === null ? "" : ` ${missing}`}</span></p>
<details id="scores-data"><summary>Data of Score distribution</summary><div class="scroll" tabindex="0" role="region" aria-label="Data of Score distribution"><table class="data"><caption>${score}: ${words}</caption><thead><tr><th scope="col">time</th><th scope="col">share</th><th scope="col">new version</th><th scope="col">prod's version</th><th scope="col">judged</th></tr></thead><tbody>${rows.map(
    ({ at, percent, verdict, champion, challenger }) =>
      html`<tr><th scope="row">${formatMoment(at)}</th><td data-label="share">${percent} %</td><td data-label="new version">${formatPercentiles(challenger)}</td><td data-label="prod's version">${formatPercentiles(champion)}</td><td data-label="judged">${verdict ?? "–"}</td></tr>`,
  )}</tbody></table></div></details></figure>`;
};
