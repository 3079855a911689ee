import { paginateListFunctions } from "@aws-sdk/client-lambda";
import { parseFunctionName } from "#platform/serving/function-name.ts";
import type { LambdaServingDependencies } from "./lambda-dependencies.ts";

/** Models that have a function in the environment. */
export const listModels =
  ({ environment, lambda }: Pick<LambdaServingDependencies, "environment" | "lambda">) =>
  async (): Promise<readonly string[]> => {
    const names: string[] = [];
    for await (const { Functions } of paginateListFunctions({ client: lambda }, {}))
      for (const { FunctionName = "", PackageType } of Functions ?? []) {
        const parsedName = parseFunctionName(FunctionName);
        if (PackageType === "Image" && parsedName?.environment === environment) names.push(parsedName.model);
      }
    return names;
  };
