import type { DeployedFunction } from "./deployed-functions.ts";

/** A function asks for a variable that no stack has a value for. */
export class VariableUnknown extends Error {
  override readonly name = "VariableUnknown";
}

/**
 * A function's environment: of all values those that its env.ts asks for. Throws VariableUnknown where one that it does
 * not start without has none.
 */
export const selectFunctionVariables = (
  { name, variables }: DeployedFunction,
  values: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> => {
  const found: Record<string, string> = {};
  for (const [variable, { optional }] of variables) {
    const value = values[variable];
    if (value !== undefined) found[variable] = value;
    else if (!optional)
      throw new VariableUnknown(
        `lambdas/${name}/env.ts asks for ${variable}, and no stack gives it: add it to the values of the stack that makes ${name}.`,
      );
  }
  return found;
};
