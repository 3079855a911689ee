import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type * as z from "zod";

export type DeployedFunction = {
  /** The folder's name, `deploy-model`; in AWS the function is `slipway-deploy-model`. */
  readonly name: string;
  /** The variables that it reads, by name, and whether it starts without. */
  readonly variables: ReadonlyMap<string, { readonly optional: boolean }>;
};

const folder = fileURLToPath(new URL("../lambdas/", import.meta.url));

/** Runs from an image, which the pipeline deploys for each model: no function of Terraform's. */
const imageFunction = "predict";

/** Every function that Terraform makes: the folders under lambdas/, with what their env.ts says. */
export const listDeployedFunctions = async (): Promise<readonly DeployedFunction[]> => {
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== imageFunction)
    .map(({ name }) => name)
    .sort();
  return Promise.all(
    names.map(async (name) => {
      const { Env }: { readonly Env: z.ZodObject } = await import(`../lambdas/${name}/env.ts`);
      const variables = Object.entries(Env.shape).map(
        ([variable, form]) => [variable, { optional: form.safeParse(undefined).success }] as const,
      );
      return { name, variables: new Map(variables) };
    }),
  );
};
