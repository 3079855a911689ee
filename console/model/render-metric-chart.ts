import { html } from "hono/html";
import { roundToDigits } from "#domain/gates/number-format.ts";
import type { VersionDetails } from "#domain/overview/model-details.ts";
import type { Html } from "../html.ts";

type Point = {
  readonly version: number;
  readonly value: number;
  readonly state: VersionDetails["state"];
};
export type MetricSeries = {
  readonly name: string;
  readonly unit: string;
  /** Oldest first. */
  readonly points: readonly Point[];
  /** The limit of the newest version, where its words begin with one: `≥ 0.75`. */
  readonly limit: { readonly value: number; readonly text: string } | null;
};

/** Versions that a chart shows: more would make its labels too small for a phone. */
const maxPoints = 16;

const parseLimit = (text: string): MetricSeries["limit"] => {
  const [, sign = "", digits = ""] = /^([≥≤])\s*(\d+(?:\.\d+)?)/.exec(text) ?? [];
  return digits === "" ? null : { value: Number(digits), text: `${sign} ${digits}` };
};

/** A series for each metric that any version measured, in the order of the newest version's. */
export const listMetricSeries = (versions: readonly VersionDetails[]): readonly MetricSeries[] => {
  const names = [...new Set(versions.flatMap(({ comparisons }) => comparisons.map(({ name }) => name)))];
  return names.flatMap((name) => {
    const points: Point[] = [];
    let unit = "";
    let limit: MetricSeries["limit"] = null;
    for (const { version, state, comparisons } of versions.slice(0, maxPoints).toReversed()) {
      const row = comparisons.find((comparison) => comparison.name === name);
      if (!row || row.challenger === null) continue;
      points.push({ version, value: row.challenger, state });
      unit = row.unit;
      limit = parseLimit(row.limit);
    }
    return points.length === 0 ? [] : [{ name, unit, points, limit }];
  });
};

const width = 320;
const height = 132;
const inner = { left: 8, right: 312, top: 14, bottom: 106 } as const;

const format = (value: number): string => String(roundToDigits(value)).replace("-", "−");

/** Each state has a shape of its own, so that the chart is read without colour. */
const renderMark = (state: VersionDetails["state"], x: number, y: number): Html => {
  switch (state) {
    case "serving":
      return html`<rect class="mark serving" x="${x - 5}" y="${y - 5}" width="10" height="10"/>`;
    case "canary":
      return html`<path class="mark canary" d="M${x} ${y - 6.5}l6.5 6.5-6.5 6.5-6.5-6.5z"/>`;
    case "served":
      return html`<circle class="mark served" cx="${x}" cy="${y}" r="4.5"/>`;
    case "on stage":
    case "not promoted":
      return html`<path class="mark other" d="M${x - 4} ${y - 4}l8 8m0-8l-8 8"/>`;
    default:
      return state satisfies never;
  }
};

/** One metric of a model's versions over time, with the limit of its gate. */
export const renderMetricChart = ({ name, unit, points, limit }: MetricSeries): Html => {
  const values = [...points.map(({ value }) => value), ...(limit ? [limit.value] : [])];
  const low = Math.min(...values);
  const high = Math.max(...values);
  const span = high - low || Math.abs(high) || 1;
  const [bottom, top] = [low - span * 0.12, high + span * 0.12];
  const toY = (value: number) =>
    Number((inner.bottom - ((value - bottom) / (top - bottom)) * (inner.bottom - inner.top)).toFixed(1));
  const step = (inner.right - inner.left - 32) / Math.max(1, points.length - 1);
  const toX = (index: number) =>
    points.length === 1 ? width / 2 : Number((inner.left + 16 + index * step).toFixed(1));
  // With many versions only every second or third is named.
  const every = Math.ceil(points.length / 8);
  const last = points.at(-1);
  const spoken = points
    .map(({ version, value, state }) => `v${version} ${format(value)} (${state})`)
    .join(", ");
  return html`<figure class="chart"><figcaption><b>${name}</b>${unit === "" ? "" : html` <span class="faint">${unit}</span>`}<span class="chart-now">${last ? format(last.value) : ""}${limit ? html` <span class="faint">limit ${limit.text}</span>` : ""}</span></figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${name}${unit === "" ? "" : ` in ${unit}`} by version: ${spoken}${limit ? `; limit ${limit.text}` : ""}">
<line class="axis" x1="${inner.left}" x2="${inner.right}" y1="${inner.bottom}" y2="${inner.bottom}"/>
${limit ? html`<line class="limit" x1="${inner.left}" x2="${inner.right}" y1="${toY(limit.value)}" y2="${toY(limit.value)}"/>` : ""}
<polyline class="line" points="${points.map(({ value }, index) => `${toX(index)},${toY(value)}`).join(" ")}"/>
${points.map(({ value, state, version }, index) => html`<g><title>v${version}: ${format(value)}, ${state}</title>${renderMark(state, toX(index), toY(value))}</g>`)}
${points.map(({ version }, index) => ((points.length - 1 - index) % every === 0 ? html`<text class="tick" x="${toX(index)}" y="${height - 8}" text-anchor="middle">v${version}</text>` : ""))}
</svg></figure>`;
};
