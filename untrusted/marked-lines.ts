import { oneLine } from "./one-line.ts";

/** Text of several lines behind the beginning of one: each further line stands behind a mark, and so begins no entry of its own. */
export const markedLines = (text: string): string => text.split("\n").map(oneLine).join("\n    | ");
