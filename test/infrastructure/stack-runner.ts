import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Accounts } from "#terraform/read-config.ts";
import {
  type CommandOptions,
  listTerraformInvocations,
  type TerraformInvocation,
} from "#terraform/terraform-invocations.ts";
import { startMoto } from "#test/peers/moto.ts";
import { overrideStack, runTerraform, type TerraformResult } from "#test/peers/terraform.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createAccountProfiles, type Person } from "./account-profiles.ts";
import { type SynthesizedStacks, synthStacks } from "./synth-stacks.ts";

export type StackRunner = {
  /** The stacks of the current configuration. */
  readonly written: SynthesizedStacks;
  /** Synthesizes another configuration; later applies and plans are of that one, on the states of the former. */
  change(change: (shipped: Accounts) => Accounts): Promise<void>;
  readonly endpoint: string;
  /** The stacks that a stack needs first: it reads their outputs, or uses their state bucket or role. */
  readonly needs: ReadonlyMap<string, readonly string[]>;
  /** Credentials of a person in tooling's account. */
  readonly person: Person;
  /** Environment variables for Terraform and the command: the profiles `tooling`, `stage` and `prod`, and moto. */
  readonly surroundings: Readonly<Record<string, string>>;
  /** Applies a stack with the invocations of `npm run apply`; throws with Terraform's output on a failure. */
  apply(stack: string): Promise<void>;
  /** Plans a stack: code 0 means no changes, 2 means changes. */
  plan(stack: string): Promise<TerraformResult>;
  /** Destroys a stack's resources, the state bucket last; throws with Terraform's output on a failure. */
  destroy(stack: string): Promise<void>;
  stop(): Promise<void>;
};

const seconds = 300;
/** Each stack's dependencies: the stacks that it reads, tooling's bootstrap and its own account's bootstrap. */
const findStackDependencies = ({
  stacks,
  accounts,
}: SynthesizedStacks): ReadonlyMap<string, readonly string[]> => {
  const { tooling, stage, prod } = accounts;
  const bootstraps = new Map([
    [stage.account, "bootstrap-stage"],
    [prod.account, "bootstrap-prod"],
    // The last one counts where one account has all roles (a trial).
    [tooling.account, "bootstrap-tooling"],
  ]);
  return new Map(
    [...stacks].map(([name, stack]) => {
      const read = Object.values(stack.data?.terraform_remote_state ?? {}).map(({ config }) =>
        config.key.replace(/\.tfstate$/, ""),
      );
      const bootstrap = (stack.provider.aws[0]?.allowed_account_ids ?? []).flatMap(
        (id) => bootstraps.get(id) ?? [],
      );
      return [name, [...new Set(["bootstrap-tooling", ...bootstrap, ...read])].filter((id) => id !== name)];
    }),
  );
};

/** The profile that applies a stack: a bootstrap's own account, else tooling. */
const selectProfile = (stack: string): string => /^bootstrap-(.+)$/.exec(stack)?.[1] ?? "tooling";

/** The configuration without protection of data, so that stacks can be destroyed. */
export const unprotectData = ({ tooling, stage, prod }: Accounts): Accounts => ({
  tooling: { ...tooling, protectData: false },
  stage: { ...stage, protectData: false },
  prod: { ...prod, protectData: false },
});

/** Starts moto with the configuration's three accounts. No stack is applied yet. */
export const createStackRunner = async (
  change: (shipped: Accounts) => Accounts = unprotectData,
): Promise<StackRunner> => {
  const configurations = [await synthStacks(change)];
  const written = (): SynthesizedStacks => {
    const newest = configurations.at(-1);
    if (newest === undefined) throw new Error("nothing was synthesized");
    return newest;
  };
  const home = await createTemporaryFolder();
  const moto = await startMoto();
  const { people, surroundings } = await createAccountProfiles(moto.endpoint, written().accounts, home.path);
  const getFolder = (stack: string) => join(written().folder, "stacks", stack);
  const run = (stack: string, args: readonly string[]): Promise<TerraformResult> =>
    runTerraform(getFolder(stack), args, {
      seconds,
      env: {
        ...surroundings,
        AWS_PROFILE: selectProfile(stack),
        AWS_ACCESS_KEY_ID: undefined,
        AWS_SECRET_ACCESS_KEY: undefined,
        AWS_SESSION_TOKEN: undefined,
      },
    });
  const runOrThrow = async (stack: string, args: readonly string[]): Promise<void> => {
    const { code, output } = await run(stack, args);
    if (code !== 0)
      throw new Error(`${stack}: terraform ${args.join(" ")} ended with ${code}\n${output.slice(-8_000)}`);
  };
  const invoke = async (stack: string, { args, localState }: TerraformInvocation): Promise<void> => {
    await overrideStack(getFolder(stack), {
      state: localState ? "local" : "bucket",
      // The provider polls a bucket's rules for 50 seconds, and all other stacks wait for this one. The registry's and
      // the records' buckets have the same rules.
      without: stack === "bootstrap-tooling" ? ["aws_s3_bucket_lifecycle_configuration"] : [],
    });
    await runOrThrow(stack, args);
  };
  return {
    get written() {
      return written();
    },
    change: async (next) => {
      configurations.push(await synthStacks(next));
    },
    endpoint: moto.endpoint,
    needs: findStackDependencies(written()),
    person: people.tooling,
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
      // Its own state leaves the bucket first, because the bucket is destroyed with this stack.
      if (stack === "bootstrap-tooling")
        await invoke(stack, {
          localState: true,
          args: ["init", "-input=false", "-no-color", "-migrate-state", "-force-copy"],
        });
      await runOrThrow(stack, ["destroy", "-no-color", "-auto-approve"]);
    },
    stop: async () => {
      await moto.stop();
      for (const { remove } of configurations) await remove();
      await rm(home.path, { recursive: true, force: true });
    },
  };
};
