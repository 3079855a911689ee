const width = 760;
const left = 220;
const right = 90;
const line = 18;

export type RatioGroup = {
  readonly name: string;
  /** `times`: undefined for wrong answers, which are not timed. */
  readonly dots: readonly { readonly label: string; readonly times: number | undefined }[];
};

const escapeText = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/**
 * How many times as long as Slipway others take, as dots on a logarithmic axis (SVG), the fastest first; a label that begins
 * with "Slipway" or "slipway" is highlighted. Wrong answers are a line of text in place of a dot.
 */
export const drawRatioPlot = (title: string, groups: readonly RatioGroup[]): string => {
  const all = groups.flatMap(({ dots }) => dots.flatMap(({ times }) => times ?? []));
  const low = Math.floor(Math.log10(Math.min(1, ...all)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(10, ...all))));
  const x = (times: number) => left + ((Math.log10(times) - low) / (high - low)) * (width - left - right);
  const parts: string[] = [];
  const text = (at: number, y: number, content: string, attributes = "") =>
    parts.push(`<text x="${at.toFixed(1)}" y="${y}" ${attributes}>${escapeText(content)}</text>`);
  let y = 46;
  for (const { name, dots } of groups) {
    y += line + 6;
    text(8, y, name, 'font-weight="bold"');
    const sorted = dots.toSorted(
      (a, b) => (a.times ?? Number.POSITIVE_INFINITY) - (b.times ?? Number.POSITIVE_INFINITY),
    );
    for (const { label, times } of sorted) {
      y += line;
      text(left - 10, y, label, 'text-anchor="end"');
      if (times === undefined) {
        text(left, y, "wrong answers, not timed", 'fill="#a12"');
        continue;
      }
      const fill = /^slipway/i.test(label) ? "#0a6" : "#456";
      parts.push(`<circle cx="${x(times).toFixed(1)}" cy="${y - 4}" r="4.5" fill="${fill}"/>`);
      text(x(times) + 9, y, times < 10 ? times.toFixed(1) : times.toFixed(0));
    }
  }
  const height = y + 16;
  const ticks = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)).map(
    (tick) =>
      `<line x1="${x(tick).toFixed(1)}" x2="${x(tick).toFixed(1)}" y1="50" y2="${height - 8}" stroke="#ccd"/><text x="${x(tick).toFixed(1)}" y="44" text-anchor="middle">${tick} ×</text>`,
  );
  const named = escapeText(title);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12" fill="#223" role="img" aria-label="${named}">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="8" y="20" font-size="14" font-weight="bold">${named}</text>`,
    ...ticks,
    ...parts,
    "</svg>\n",
  ].join("\n");
};
