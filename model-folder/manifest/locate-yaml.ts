import { isNode, LineCounter, parseDocument } from "yaml";

/** A position in a text, counted from 1. */
export type TextPosition = { readonly line: number; readonly column: number };

/** Finds the position of the value at a path in a YAML text, or of its nearest existing parent. Slow: only for messages. */
export const locateYaml = (text: string): ((path: readonly PropertyKey[]) => TextPosition) => {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: "silent",
    strict: false,
    // The library compares each key with all previous ones.
    uniqueKeys: false,
  });
  return (path) => {
    for (let length = path.length; length >= 0; length--) {
      const node = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) {
        const { line, col } = lines.linePos(node.range[0]);
        return { line, column: col };
      }
    }
    return { line: 1, column: 1 };
  };
};
