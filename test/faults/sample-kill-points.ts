import { createSeededRandom } from "#test/support/seeded-random.ts";
import type { KillPoint } from "./kill-point-recorder.ts";

/** Undefined: no limit. `npm test` sets it, because all kills together take minutes; CI and `npm run test:faults` do not. */
const maxKills = process.env.SLIPWAY_KILLS === undefined ? undefined : Number(process.env.SLIPWAY_KILLS);
/** Another sample every day. */
const seed = Number(process.env.SLIPWAY_SEED ?? Math.floor(Date.now() / 86_400_000));

/** Whether only a sample of the kills runs. */
export const isSample = maxKills !== undefined;

/** All kill points, or a sample of SLIPWAY_KILLS from beginning to end; SLIPWAY_SEED repeats a sample. */
export const sampleKillPoints = (points: readonly KillPoint[]): readonly KillPoint[] => {
  const count = Math.min(points.length, maxKills ?? points.length);
  if (count === points.length) return points;
  console.info(`${count} of ${points.length} kill points, drawn by SLIPWAY_SEED=${seed}`);
  const random = createSeededRandom(seed);
  // One of each of `count` parts, so none twice: a recovery changes the folder of its point.
  const start = (part: number) => Math.floor((part * points.length) / count);
  return Array.from({ length: count }, (_, part) => {
    const length = start(part + 1) - start(part);
    return points[start(part) + Math.floor(random() * length)];
  }).flatMap((point) => point ?? []);
};
