import type { DeployedFunction } from "./deployed-functions.ts";

/** A function needs a variable without a value in any stack. */
export class VariableUnknown extends Error {
  override readonly name = "VariableUnknown";
}

/** Selects the variables of a function's env.ts from all values. Throws VariableUnknown if a required one has no value. */
export const selectFunctionVariables = (
  { name, variables }: DeployedFunction,
  values: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> => {
  const selected: Record<string, string> = {};
  for (const [variable, { optional }] of variables) {
    const value = values[variable];
    if (value !== undefined) selected[variable] = value;
    else if (!optional)
      throw new VariableUnknown(
        `lambdas/${name}/env.ts requires ${variable}, but no stack provides it: add it to the values of the stack with ${name}.`,
      );
  }
  return selected;
};
