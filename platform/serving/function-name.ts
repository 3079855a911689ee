import { type Environment, environments } from "./serving.ts";

/** The name of a model's inference function: `slipway-prod-churn`. */
export const toFunctionName = (environment: Environment, model: string): string =>
  `slipway-${environment}-${model}`;

/** The environment and model of a function's name; undefined for other names. */
export const parseFunctionName = (
  name: string,
): { readonly environment: Environment; readonly model: string } | undefined => {
  for (const environment of environments) {
    const prefix = toFunctionName(environment, "");
    if (name.startsWith(prefix) && name.length > prefix.length)
      return { environment, model: name.slice(prefix.length) };
  }
  return undefined;
};
