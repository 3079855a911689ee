import { expect, test } from "vitest";
import { drawRatioPlot } from "./draw-ratio-plot.ts";

const readDots = (svg: string) =>
  [...svg.matchAll(/<circle cx="([\d.]+)".*? fill="(#\w+)"/g)].map(([, x, fill]) => ({ x: Number(x), fill }));

test("the fastest is first, slower ones are further right, and Slipway has its own colour", () => {
  const svg = drawRatioPlot("t", [
    {
      name: "one row",
      dots: [
        { label: "B", times: 30 },
        { label: "slipway serve", times: 1 },
        { label: "A", times: 0.5 },
      ],
    },
  ]);
  const dots = readDots(svg);
  expect(dots.map(({ fill }) => fill)).toEqual(["#456", "#0a6", "#456"]);
  expect(dots.map(({ x }) => x)).toEqual(dots.map(({ x }) => x).toSorted((a, b) => a - b));
});

test("wrong answers are said in words, and names are text, never markup", () => {
  const svg = drawRatioPlot("a < b", [{ name: "<g>", dots: [{ label: "C & D", times: undefined }] }]);
  expect(svg).toContain("wrong answers, not timed");
  expect(svg).toContain("&lt;g&gt;");
  expect(svg).toContain("C &amp; D");
  expect(svg).toContain("a &lt; b");
});
