import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { STSClient } from "@aws-sdk/client-sts";
import { assumeRole } from "#platform/serving/assume-role.ts";
import type { Accounts } from "#terraform/read-config.ts";
import {
  type CommandOptions,
  listTerraformInvocations,
  type TerraformInvocation,
} from "#terraform/terraform-invocations.ts";
import { createRole } from "#test/peers/create-role.ts";
import { motoClientConfig, startMoto } from "#test/peers/moto.ts";
import { overrideStack, runTerraform, type TerraformResult } from "#test/peers/terraform.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { type SynthesizedStacks, synthStacks } from "./synth-stacks.ts";

export type StackRunner = {
  readonly written: SynthesizedStacks;
  readonly endpoint: string;
  /** The stacks that a stack reads outputs of, or lies in the state bucket or acts under the role of. */
  readonly needs: ReadonlyMap<string, readonly string[]>;
  /** Credentials of a person in tooling's account. */
  readonly person: Credentials;
  /** Environment variables for Terraform and the command: the profiles `tooling`, `stage` and `prod`, and moto. */
  readonly surroundings: Readonly<Record<string, string>>;
  /** Applies a stack with the very invocations of `npm run apply`; throws with Terraform's output on a failure. */
  apply(stack: string): Promise<void>;
  /** Plans it: code 0 says that nothing would change, 2 that something would. */
  plan(stack: string): Promise<TerraformResult>;
  /** Destroys its resources, the state bucket last; throws with Terraform's output. */
  destroy(stack: string): Promise<void>;
  stop(): Promise<void>;
};

type Credentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
};

const seconds = 300;
const motoAccount = "123456789012";

/** A person in each account, as an assumed role: moto recognises the account by it. */
const createCredentials = async (endpoint: string, accounts: Accounts) => {
  const externalId = "a person";
  const sts = new STSClient(motoClientConfig(endpoint));
  const inAccount = async (name: keyof Accounts): Promise<Credentials> => {
    const { account } = accounts[name];
    const roleArn = await createRole(endpoint, account, "person", { account: motoAccount, externalId });
    return assumeRole({ sts, roleArn, externalId, session: name, clock: Date.now })();
  };
  const [tooling, stage, prod] = [
    await inAccount("tooling"),
    await inAccount("stage"),
    await inAccount("prod"),
  ];
  return { tooling, stage, prod };
};

/** AWS's configuration file with a profile for each account, by the names that docs/infrastructure.md gives them. */
const formatAwsConfig = (who: Awaited<ReturnType<typeof createCredentials>>): string =>
  Object.entries(who)
    .map(([name, { accessKeyId, secretAccessKey, sessionToken }]) =>
      [
        `[profile ${name}]`,
        `aws_access_key_id = ${accessKeyId}`,
        `aws_secret_access_key = ${secretAccessKey}`,
        `aws_session_token = ${sessionToken}`,
      ].join("\n"),
    )
    .join("\n\n");

/** The stacks before each: those that it reads, tooling's bootstrap and its own account's. */
const findStackDependencies = ({
  stacks,
  accounts,
}: SynthesizedStacks): ReadonlyMap<string, readonly string[]> => {
  const { tooling, stage, prod } = accounts;
  const bootstraps = new Map([
    [tooling.account, "bootstrap-tooling"],
    [stage.account, "bootstrap-stage"],
    [prod.account, "bootstrap-prod"],
  ]);
  return new Map(
    [...stacks].map(([name, stack]) => {
      const read = Object.values(stack.data?.terraform_remote_state ?? {}).map(({ config }) =>
        config.key.replace(/\.tfstate$/, ""),
      );
      const own = (stack.provider.aws[0]?.allowed_account_ids ?? []).flatMap(
        (id) => bootstraps.get(id) ?? [],
      );
      return [name, [...new Set(["bootstrap-tooling", ...own, ...read])].filter((one) => one !== name)];
    }),
  );
};

/** Who applies a stack: a person of its account the bootstraps, tooling's all others. */
const selectProfile = (stack: string): string => /^bootstrap-(.+)$/.exec(stack)?.[1] ?? "tooling";

/**
 * moto with the three accounts of a configuration in which nothing is protected, so that it can be destroyed. Nothing is
 * applied yet.
 */
export const createStackRunner = async (
  change: (shipped: Accounts) => Accounts = (shipped) => shipped,
): Promise<StackRunner> => {
  const written = await synthStacks((shipped) => {
    const { tooling, stage, prod } = change(shipped);
    return {
      tooling: { ...tooling, protectData: false },
      stage: { ...stage, protectData: false },
      prod: { ...prod, protectData: false },
    };
  });
  const home = await createTemporaryFolder();
  const moto = await startMoto();
  const who = await createCredentials(moto.endpoint, written.accounts);
  const configuration = join(home.path, "config");
  await writeFile(configuration, formatAwsConfig(who));

  const surroundings = {
    AWS_CONFIG_FILE: configuration,
    AWS_SHARED_CREDENTIALS_FILE: configuration,
    AWS_ENDPOINT_URL: moto.endpoint,
    AWS_EC2_METADATA_DISABLED: "true",
  };
  const folderOf = (stack: string) => join(written.folder, "stacks", stack);
  const run = (stack: string, args: readonly string[]): Promise<TerraformResult> =>
    runTerraform(folderOf(stack), args, {
      seconds,
      env: {
        ...surroundings,
        AWS_PROFILE: selectProfile(stack),
        AWS_ACCESS_KEY_ID: undefined,
        AWS_SECRET_ACCESS_KEY: undefined,
        AWS_SESSION_TOKEN: undefined,
      },
    });
  const must = async (stack: string, args: readonly string[]): Promise<void> => {
    const { code, output } = await run(stack, args);
    if (code !== 0)
      throw new Error(`${stack}: terraform ${args.join(" ")} ended with ${code}\n${output.slice(-8_000)}`);
  };
  const invoke = async (stack: string, { args, localState }: TerraformInvocation): Promise<void> => {
    await overrideStack(folderOf(stack), {
      state: localState ? "local" : "bucket",
      // The provider looks at a bucket's rules for 50 seconds, and every other stack waits for this one. The registry's
      // bucket and the records' have the same.
      without: stack === "bootstrap-tooling" ? ["aws_s3_bucket_lifecycle_configuration"] : [],
    });
    await must(stack, args);
  };
  return {
    written,
    endpoint: moto.endpoint,
    needs: findStackDependencies(written),
    person: who.tooling,
    surroundings,
    apply: async (stack) => {
      const options: CommandOptions = {
        stacks: [stack],
        yes: true,
        fromStates: false,
        first: stack === "bootstrap-tooling",
        stateProfile: /^bootstrap-(stage|prod)$/.test(stack) ? "tooling" : undefined,
      };
      for (const invocation of listTerraformInvocations("apply", stack, options))
        await invoke(stack, invocation);
    },
    plan: (stack) => run(stack, ["plan", "-no-color", "-input=false", "-detailed-exitcode"]),
    destroy: async (stack) => {
      // Its own state leaves the bucket first, because it got there last.
      if (stack === "bootstrap-tooling")
        await invoke(stack, {
          localState: true,
          args: ["init", "-input=false", "-no-color", "-migrate-state", "-force-copy"],
        });
      await must(stack, ["destroy", "-no-color", "-auto-approve"]);
    },
    stop: async () => {
      await moto.stop();
      await written.remove();
      await rm(home.path, { recursive: true, force: true });
    },
  };
};
