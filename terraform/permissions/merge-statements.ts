import type { Statement } from "./statement.ts";

/**
 * Merges statements with the same resources and conditions and removes duplicate actions. If a policy allowed an action
 * twice, no test would notice the removal of one.
 */
export const mergeStatements = (statements: readonly Statement[]): readonly Statement[] =>
  [...Map.groupBy(statements, ({ Action: _, ...rest }) => JSON.stringify(rest)).values()].flatMap(
    ([first, ...others]) => {
      if (first === undefined) return [];
      const actions = [first, ...others].flatMap(({ Action }) => Action);
      return [others.length === 0 ? first : { ...first, Action: [...new Set(actions)] }];
    },
  );
