import { escapeControls } from "./escape-controls.ts";

/** Text of several lines behind the beginning of one: each further line stands behind a mark, and so begins no entry of its own. */
export const prefixContinuationLines = (text: string): string =>
  text.split("\n").map(escapeControls).join("\n    | ");
