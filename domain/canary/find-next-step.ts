import type { CanaryRule } from "#model-folder/manifest/manifest.ts";

type NextStep =
  | { readonly next: "shift"; readonly step: number; readonly share: number }
  | { readonly next: "promote"; readonly step: number };

/**
 * Where a canary goes after step `index` has passed. The index only grows, so every canary ends. Throws RangeError for an
 * index outside the steps.
 */
export const findNextStep = ({ steps }: Pick<CanaryRule, "steps">, index: number): NextStep => {
  if (steps[index] === undefined)
    throw new RangeError(`there is no canary step ${index}: the manifest has ${steps.length}`);
  const share = steps[index + 1];
  return share === undefined ? { next: "promote", step: index } : { next: "shift", step: index + 1, share };
};
