import { html } from "hono/html";
import type { ModelDetails } from "#domain/overview/model-details.ts";
import type { Html } from "../html.ts";
import { formatMoment } from "../render-time.ts";

const hourMs = 3_600_000;
const width = 640;
const height = 90;
const count = new Intl.NumberFormat("en-GB");

/** Calls of prod by hour as bars. */
export const renderCallsChart = ({ to, calls }: NonNullable<ModelDetails["hourlyCalls"]>): Html => {
  const most = Math.max(1, ...calls);
  const total = calls.reduce((sum, each) => sum + each, 0);
  const step = width / calls.length;
  return html`<figure class="chart wide-chart"><figcaption><b>Calls of prod</b> <span class="faint">by hour</span><span class="chart-now">${count.format(total)} <span class="faint">in ${calls.length} h</span></span></figcaption>
<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="Calls of prod in the last ${calls.length} hours: ${count.format(total)}, at most ${count.format(most)} in an hour">
<line class="axis" x1="0" x2="${width}" y1="${height - 1}" y2="${height - 1}"/>
${calls.map((each, index) => {
  const size = each === 0 ? 0 : Math.max(2, (each / most) * (height - 6));
  return each === 0
    ? ""
    : html`<rect class="bar" x="${(index * step + 1).toFixed(1)}" y="${(height - 1 - size).toFixed(1)}" width="${Math.max(1, step - 2).toFixed(1)}" height="${size.toFixed(1)}"><title>${formatMoment(to - (calls.length - index) * hourMs)}: ${count.format(each)}</title></rect>`;
})}</svg></figure>`;
};
