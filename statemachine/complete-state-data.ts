import type { Json } from "#platform/store/store.ts";

/** Fields of outputs that earlier releases did not write, with what it means that one is missing. */
const laterFields: ReadonlyMap<string, Readonly<Record<string, Json>>> = new Map<
  string,
  Readonly<Record<string, Json>>
>([
  ["ScanImage", { omitted: [] }],
  ["VerifyStage", { comparisons: [] }],
]);

/**
 * State data that an earlier release has written, as this definition reads it: a path without a value would end the
 * execution. Only where an execution goes on under a newer definition; Step Functions keeps the one that it began with.
 */
export const completeStateData = (data: Json): Json => {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return data;
  return Object.fromEntries(
    Object.entries(data).map(([state, output]) => {
      const fields = laterFields.get(state);
      return fields && typeof output === "object" && output !== null && !Array.isArray(output)
        ? [state, { ...structuredClone(fields), ...output }]
        : [state, output];
    }),
  );
};
