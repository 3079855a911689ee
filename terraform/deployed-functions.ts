import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type * as z from "zod";

export type DeployedFunction = {
  /** The folder's name, `deploy-model`; in AWS the function is `slipway-deploy-model`. */
  readonly name: string;
  /** The variables that it reads, by name; it starts without the optional ones. */
  readonly variables: ReadonlyMap<string, { readonly optional: boolean }>;
};

const folder = fileURLToPath(new URL("../lambdas/", import.meta.url));

/** Runs from an image, and the pipeline deploys it for each model, so it is not one of Terraform's functions. */
const imageFunction = "predict";

/** Is deployed only where the configuration has a console. */
export const consoleFunction = "show-console";

/** The names of Terraform's functions, by their folders under lambdas/. */
export const listFunctionNames = (): readonly string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== imageFunction)
    .map(({ name }) => name)
    .sort();

/** Terraform's functions, with the variables of their env.ts. */
export const listDeployedFunctions = async (): Promise<readonly DeployedFunction[]> =>
  Promise.all(
    listFunctionNames().map(async (name) => {
      const { Env }: { readonly Env: z.ZodObject } = await import(`../lambdas/${name}/env.ts`);
      const variables = Object.entries(Env.shape).map(
        ([variable, schema]) => [variable, { optional: schema.safeParse(undefined).success }] as const,
      );
      return { name, variables: new Map(variables) };
    }),
  );
