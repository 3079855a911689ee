import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { bundleHandler } from "#packaging/bundle-handler.ts";
import { withEsbuild } from "#packaging/bundle-runtime.ts";
import { stepNames } from "#statemachine/delivery.ts";
import { createLambdaHost, type LambdaHost, type LambdaResult } from "#test/peers/lambda-host.ts";
import { toolingAccount, toStepFunctionName } from "./create-accounts.ts";

/** Functions outside the state machine. */
const otherFunctions = ["start-delivery", "answer-approval", "sweep-deliveries"] as const;
export type HostedFunctionName = (typeof stepNames)[number] | (typeof otherFunctions)[number];
const hostedFunctionNames: readonly HostedFunctionName[] = [...stepNames, ...otherFunctions];

/** The longest timeout of Terraform's functions: DeployModel pulls images. */
const timeoutSeconds = 600;
const memoryMb = 512;

/** The variables that a function's env.ts declares and checks; on Lambda it gets no others. */
const selectVariables = async (name: HostedFunctionName, all: Readonly<Record<string, string>>) => {
  const { Env } = z
    .object({ Env: z.instanceof(z.ZodObject) })
    .parse(await import(`../../../lambdas/${name}/env.ts`));
  const variables = Object.fromEntries(
    Object.entries(all).filter(([variable]) => variable.startsWith("AWS_") || variable in Env.shape),
  );
  Env.parse(variables);
  return variables;
};

/** Writes all bundles, as `npm run build` does, each into its own folder. */
export const bundleFunctions = (folder: string): Promise<void> =>
  withEsbuild(async () => {
    for (const name of hostedFunctionNames) {
      const { code, map } = await bundleHandler(name);
      const target = join(folder, name);
      await mkdir(target, { recursive: true });
      await writeFile(join(target, "index.mjs"), code);
      await writeFile(join(target, "index.mjs.map"), map);
    }
  });

type Needs = {
  /** The folder of `bundleFunctions`. */
  readonly folder: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Overrides for an event: a folder with another `index.mjs`, or wrong variables. */
  readonly otherwise?: OverrideFunction | undefined;
};

export type OverrideFunction = (
  name: HostedFunctionName,
  event: unknown,
) => { readonly code?: string; readonly variables?: Readonly<Record<string, string>> } | undefined;

/** The real bundles under AWS's runtime client, each started by its first event. */
export const createStepHosts = ({ folder, variables: all, otherwise }: Needs) => {
  const hosts = new Map<string, Promise<LambdaHost>>();
  const start = async (name: HostedFunctionName, code: string, variables: Readonly<Record<string, string>>) =>
    createLambdaHost({
      name: toStepFunctionName(name),
      code,
      env: {
        ...(await selectVariables(name, variables)),
        // The key identifies this function's calls (test/peers/recording-proxy.ts).
        AWS_ACCESS_KEY_ID: name,
        NODE_OPTIONS: "--enable-source-maps",
      },
      timeoutSeconds,
      memoryMb,
      account: toolingAccount,
    });
  return {
    invoke: async (name: HostedFunctionName, event: unknown): Promise<LambdaResult> => {
      const { code = join(folder, name), variables = {} } = otherwise?.(name, event) ?? {};
      const key = JSON.stringify([name, code, variables]);
      const host = hosts.get(key) ?? start(name, code, { ...all, ...variables });
      hosts.set(key, host);
      return (await host).invoke(event);
    },
    stop: async (): Promise<void> => {
      for (const host of await Promise.all(hosts.values())) await host.stop();
    },
  };
};
export type StepHosts = ReturnType<typeof createStepHosts>;

export const parseHostedFunctionName = (name: string): HostedFunctionName | undefined =>
  hostedFunctionNames.find((each) => toStepFunctionName(each) === name);
