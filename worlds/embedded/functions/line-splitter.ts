/**
 * Splits a stream of text into lines; longer ones than `limit` characters are cut off and end with `…`. Call `write` with
 * each chunk; `end` emits an unfinished last line.
 */
export const createLineSplitter = (limit: number, onLine: (line: string) => void) => {
  let rest = "";
  let cut = false;
  const add = (piece: string) => {
    if (rest.length + piece.length > limit) cut = true;
    if (rest.length < limit) rest += piece.slice(0, limit - rest.length);
  };
  const flush = () => {
    if (rest !== "" || cut) onLine(cut ? `${rest} …` : rest);
    rest = "";
    cut = false;
  };
  return {
    write(text: string): void {
      const pieces = text.split("\n");
      const last = pieces.pop() ?? "";
      for (const piece of pieces) {
        add(piece);
        flush();
      }
      add(last);
    },
    end: flush,
  };
};
