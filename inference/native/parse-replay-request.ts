import type { PredictRequest } from "#inference/run-prediction.ts";
import { rowPointer } from "#model-folder/rows/row-problem.ts";

/** What the parser reads of Lambda's context. */
type InvocationContext = { readonly invokedFunctionArn?: unknown };

/**
 * Applications call the alias `live`. Only a caller with the right to call a version by its number may leave no trace: with
 * the alias a caller could hide its traffic.
 */
const isByVersion = ({ invokedFunctionArn }: InvocationContext): boolean =>
  typeof invokedFunctionArn === "string" && /:\d+$/.test(invokedFunctionArn);

/** Parses a direct invocation `{ "rows": [ … ], "replay": true }` of a version; undefined for any other event. */
export const parseReplayRequest = (event: unknown, context: unknown): PredictRequest | undefined => {
  if (typeof event !== "object" || event === null || Array.isArray(event)) return undefined;
  if (typeof context !== "object" || context === null || !isByVersion(context)) return undefined;
  const keys = Object.keys(event);
  if (keys.length !== 2 || !keys.includes("rows") || Reflect.get(event, "replay") !== true) return undefined;
  return { rows: Reflect.get(event, "rows"), pointer: rowPointer("/rows"), replay: true };
};
