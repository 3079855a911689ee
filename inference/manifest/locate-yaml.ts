import { isNode, LineCounter, parseDocument } from "yaml";

/** A place in a text, counted from 1. */
export type Place = { readonly line: number; readonly column: number };

/** Where in a YAML or JSON text the value at a path stands, or the nearest thing around it. Slow: only for messages. */
export const locateYaml = (text: string): ((path: readonly PropertyKey[]) => Place) => {
  const lines = new LineCounter();
  // JSON is YAML 1.2, and this parser keeps the places that JSON.parse forgets.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: "silent",
    strict: false,
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

/** Where an offset lies in a text. */
export const placeOf = (text: string, offset: number): Place => {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
};
