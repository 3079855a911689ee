import { fileURLToPath } from "node:url";
import { buildFunctionImage } from "./build-function-image.ts";
import { measureColdStarts } from "./measure-cold-starts.ts";
import type { ReportLine } from "./report.ts";
import { readRequestBodies } from "./request-bodies.ts";
import { computeSpread } from "./spread.ts";

/** Builds churn's image as a delivery does and measures its cold start beside that of an empty function, and its size. */
export const listColdStartLines = async (
  options: Parameters<typeof measureColdStarts>[1],
): Promise<readonly ReportLine[]> => {
  const churn = fileURLToPath(new URL("../../models/churn", import.meta.url));
  const [event = ""] = (await readRequestBodies(churn)).single;
  const { task, bytes } = await buildFunctionImage("churn", churn, options.into);
  const starts = await measureColdStarts({ task, model: "churn", event }, options);
  const times = (["wallMs", "cpuMs"] as const).flatMap((figure): readonly ReportLine[] => {
    const what = figure === "wallMs" ? "cold start" : "cold start, processor time";
    const empty = computeSpread(starts.empty.map((start) => start[figure]));
    const started = computeSpread(starts.ours.map((start) => start[figure]));
    // Of the same round, so that a machine that slows down for a minute slows down both.
    const above = computeSpread(
      starts.ours.map((start, round) => start[figure] - (starts.empty[round]?.[figure] ?? Number.NaN)),
    );
    return [
      { what: `${what}: an empty function`, measured: empty, unit: "ms" },
      { what: `${what}: the model's function`, measured: started, unit: "ms" },
      {
        what: `${what}: above an empty function`,
        measured: above,
        unit: "ms",
        ...(figure === "wallMs" ? { target: { atMost: 10 } } : {}),
      },
    ];
  });
  const size = bytes / 1e6;
  return [
    ...times,
    {
      what: "first recorded answer after it",
      measured: computeSpread(starts.firstRecorded.map(({ wallMs }) => wallMs)),
      unit: "ms",
    },
    {
      what: "image layers of churn, uncompressed",
      measured: { median: size, min: size, max: size },
      unit: "MB",
      target: { below: 120 },
    },
  ];
};
