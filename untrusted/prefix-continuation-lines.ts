import { escapeControls } from "./escape-controls.ts";

/** Prefixes every line after the first, so that text of several lines cannot imitate a new log entry. */
export const prefixContinuationLines = (text: string): string =>
  text.split("\n").map(escapeControls).join("\n    | ");
