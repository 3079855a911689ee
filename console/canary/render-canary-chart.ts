import { html } from "hono/html";
import type { Estimate } from "#domain/canary/canary-look.ts";
import { formatDuration } from "#domain/canary/format-duration.ts";
import { roundToDigits } from "#domain/gates/number-format.ts";
import type { Html } from "../html.ts";
import { formatMoment } from "../render-time.ts";
import { createChartScale } from "./chart-scale.ts";
import { createTracer } from "./create-tracer.ts";
import type { CanaryChart, ChartPoint } from "./list-charts.ts";
import { verdictMarks } from "./verdict-marks.ts";

const width = 340;
const height = 190;
const inner = { left: 40, right: 330, top: 12, bottom: 156 } as const;
/** Rows of the table: enough to follow a line. */
const maxRows = 40;
/** An open or very wide interval must not flatten the lines: the axis ends at this multiple of what the lines need. */
const bandReach = 2.5;

const format = (value: number): string => String(roundToDigits(value, 3)).replace("-", "−");
const formatEstimate = (estimate: Estimate | null, unit: string): string =>
  estimate
    ? `${format(estimate.value)} ${unit} (${format(estimate.low)} to ${estimate.high === null ? "unknown" : format(estimate.high)})`
    : "none yet";

const findDomain = (points: readonly ChartPoint[]): readonly [number, number] => {
  const values = points.flatMap(({ champion, challenger, limit }) =>
    [champion?.value, challenger?.value, limit?.high, limit?.low].filter(
      (value) => value !== undefined && value !== null,
    ),
  );
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const reach = (most - least || Math.abs(most) || 1) * bandReach;
  const ends = points.flatMap(({ champion, challenger }) =>
    [champion, challenger].flatMap((estimate) =>
      estimate ? [estimate.low, estimate.high ?? estimate.value] : [],
    ),
  );
  const low = Math.max(Math.min(least, ...ends), least - reach);
  const high = Math.min(Math.max(most, ...ends), most + reach);
  // Neither shares nor times are negative.
  return [Math.max(0, low), high];
};

/**
 * One metric of both versions over the time of a canary, each with the band of its 95 % interval, and the limit. Prod's
 * version is a dashed line with a square, the new one a solid line with a circle, so that the chart is read without
 * colour. A table has the same numbers.
 */
export const renderCanaryChart = ({ id, title, unit, rule, points }: CanaryChart): Html => {
  const known = points.filter(({ champion, challenger }) => champion ?? challenger);
  const last = known.at(-1);
  const first = known[0];
  if (!last || !first)
    return html`<figure class="chart canary-chart"><figcaption><b>${title}</b></figcaption><p class="faint">Nothing was measured yet.</p></figure>`;
  const { toPixel: toY, ticks } = createChartScale(findDomain(known), [inner.bottom, inner.top], 6);
  const clampY = (value: number) => Math.min(inner.bottom, Math.max(inner.top, toY(value)));
  const { elapsed, toX, steps, line, band } = createTracer(known, inner);
  const toPixel = (value: number | null | undefined) =>
    value === null || value === undefined ? value : clampY(value);
  const toEnds = (estimate: Estimate | null) =>
    estimate && {
      low: clampY(estimate.low),
      high: estimate.high === null ? inner.top : clampY(estimate.high),
    };
  const champion = known.findLast((point) => point.champion);
  const challenger = known.findLast((point) => point.challenger);
  const mark = (point: ChartPoint, estimate: Estimate) => ({ x: toX(point.at), y: clampY(estimate.value) });
  const square = champion?.champion && mark(champion, champion.champion);
  const circle = challenger?.challenger && mark(challenger, challenger.challenger);
  const judged = known.filter(({ verdict }) => verdict !== null);
  const every = Math.ceil(known.length / maxRows);
  const rows = known.filter(
    ({ verdict }, index) => verdict !== null || index % every === 0 || index === known.length - 1,
  );
  return html`<figure class="chart canary-chart"><figcaption><b>${title}</b> <span class="faint">${unit}</span><span class="chart-now">${last.challenger ? format(last.challenger.value) : "–"} <span class="faint">prod ${last.champion ? format(last.champion.value) : "–"}</span></span></figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">${title} of both versions over ${formatDuration(elapsed)}</title>
<desc id="${id}-desc">New version ${formatEstimate(last.challenger, unit)}; prod's version ${formatEstimate(last.champion, unit)}; ${last.limit ? `limit ${last.limit.low === null ? "" : `${format(last.limit.low)} to `}${format(last.limit.high)} ${unit}` : "no limit"}. The table below has every value.</desc>
${ticks.map((tick) => html`<line class="grid" x1="${inner.left}" x2="${inner.right}" y1="${toY(tick)}" y2="${toY(tick)}"/><text class="tick" x="${inner.left - 5}" y="${toY(tick) + 3.5}" text-anchor="end">${format(tick)}</text>`)}
<path class="band champion" d="${band((point) => toEnds(point.champion))}"/>
<path class="band challenger" d="${band((point) => toEnds(point.challenger))}"/>
${steps.slice(1).map((step) => (step[0] ? html`<line class="step-line" x1="${toX(step[0].at)}" x2="${toX(step[0].at)}" y1="${inner.top}" y2="${inner.bottom}"/><text class="tick" x="${toX(step[0].at) + 3}" y="${inner.top + 8}">${step[0].percent} %</text>` : ""))}
<path class="limit-line" d="${line(({ limit }) => toPixel(limit?.high))}${line(({ limit }) => toPixel(limit?.low))}"/>
<path class="series champion" d="${line((point) => toPixel(point.champion?.value))}"/>
<path class="series challenger" d="${line((point) => toPixel(point.challenger?.value))}"/>
${square ? html`<rect class="end champion" x="${square.x - 4}" y="${square.y - 4}" width="8" height="8"/>` : ""}
${circle ? html`<circle class="end challenger" cx="${circle.x}" cy="${circle.y}" r="4.5"/>` : ""}
<line class="axis" x1="${inner.left}" x2="${inner.right}" y1="${inner.bottom}" y2="${inner.bottom}"/>
${judged.map(({ at, verdict }) => (verdict ? html`<text class="judged ${verdict}" x="${toX(at)}" y="${inner.bottom + 13}" text-anchor="middle">${verdictMarks[verdict]}</text>` : ""))}
<text class="tick" x="${inner.left}" y="${height - 4}">${new Date(first.at).toISOString().slice(11, 16)} UTC</text>
<text class="tick" x="${inner.right}" y="${height - 4}" text-anchor="end">+${formatDuration(elapsed)}</text>
</svg>
<p class="chart-rule">${rule === null ? html`<span class="faint">not judged: shown for people</span>` : html`limit: ${rule}`}</p>
<details id="${id}-data"><summary>Data of ${title}</summary><div class="scroll" tabindex="0" role="region" aria-label="Data of ${title}"><table class="data"><thead><tr><th scope="col">time</th><th scope="col">share</th><th scope="col">new version</th><th scope="col">prod's version</th><th scope="col">limit</th><th scope="col">judged</th></tr></thead><tbody>${rows.map(
    ({ at, percent, verdict, champion: prod, challenger: next, limit }) =>
      html`<tr><th scope="row">${formatMoment(at)}</th><td data-label="share">${percent} %</td><td data-label="new version">${formatEstimate(next, unit)}</td><td data-label="prod's version">${formatEstimate(prod, unit)}</td><td data-label="limit">${limit ? `${limit.low === null ? "" : `${format(limit.low)} to `}${format(limit.high)} ${unit}` : "none"}</td><td data-label="judged">${verdict ?? "–"}</td></tr>`,
  )}</tbody></table></div></details></figure>`;
};
