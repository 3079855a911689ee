import type { MessageState } from "./message-state.ts";

/** All checks in one line, the worst first: `1 failed · 9 passed · 1 inconclusive · 2 not checked`; empty without any. */
export const formatVerdict = ({ checks, omitted }: Pick<MessageState, "checks" | "omitted">): string => {
  const count = (verdict: string): number => checks.filter((check) => check.verdict === verdict).length;
  const parts = [
    [count("fail"), "failed"],
    [count("pass"), "passed"],
    [count("inconclusive"), "inconclusive"],
    [omitted.length, "not checked"],
  ] as const;
  return parts
    .filter(([number]) => number > 0)
    .map(([number, word]) => `${number} ${word}`)
    .join(" · ");
};
