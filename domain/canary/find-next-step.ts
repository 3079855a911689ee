import type { CanaryRule } from "#model-folder/manifest/manifest.ts";

type NextStep =
  | { readonly next: "shift"; readonly step: number; readonly share: number }
  | { readonly next: "promote"; readonly step: number };

/**
 * Where a canary goes once step `index` has passed: to the next step, which has a greater index, or past
 * the last to all traffic. So every list of steps ends. Throws RangeError for an index that is no step.
 */
export const findNextStep = ({ steps }: Pick<CanaryRule, "steps">, index: number): NextStep => {
  if (steps[index] === undefined)
    throw new RangeError(`step ${index} is none of ${steps.length} canary steps`);
  const share = steps[index + 1];
  return share === undefined ? { next: "promote", step: index } : { next: "shift", step: index + 1, share };
};
