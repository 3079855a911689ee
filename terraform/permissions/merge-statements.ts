import type { Statement } from "./statement.ts";

/**
 * Statements on the same resources under the same conditions as one, each action once: what stands in a policy twice
 * could be taken out of it once, and nobody would notice.
 */
export const mergeStatements = (statements: readonly Statement[]): readonly Statement[] =>
  [...Map.groupBy(statements, ({ Action: _, ...rest }) => JSON.stringify(rest)).values()].flatMap(
    ([first, ...others]) => {
      if (first === undefined) return [];
      const actions = [first, ...others].flatMap(({ Action }) => Action);
      return [others.length === 0 ? first : { ...first, Action: [...new Set(actions)] }];
    },
  );
