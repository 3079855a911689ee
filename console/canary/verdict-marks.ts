/** Below a chart, where the canary was judged. */
export const verdictMarks = { pass: "✓", fail: "✕", inconclusive: "?" } as const;
