import { durationToSeconds } from "#model-folder/manifest/manifest.ts";
import type { MessageState } from "./message-state.ts";

const units = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
] as const;

const formatDuration = (duration: string): string => {
  const seconds = durationToSeconds(duration);
  const [size, unit] = units.find(([size]) => seconds >= size && seconds % size === 0) ?? [1, "s"];
  return `${seconds / size} ${unit}`;
};

/** What an approval starts. */
export const formatRollout = (rollout: Exclude<MessageState["rollout"], undefined>): string =>
  rollout === null
    ? "If approved: 100 % at once, because nothing serves prod"
    : `If approved: ${[...rollout.steps.map((step) => `${step} % for ${formatDuration(rollout.bake)}`), "100 %"].join(" → ")}`;
