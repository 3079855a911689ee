import type { Accounts } from "./read-config.ts";

export type CommandOptions = {
  /** The named stacks; empty: all except bootstrap. */
  readonly stacks: readonly string[];
  /** Apply without a prompt, because the plan was approved before. */
  readonly yes: boolean;
  /** Plan only from the states, for a pull request's code: no lock, no refresh, the role without permissions. */
  readonly fromStates: boolean;
  /** The first apply: the bucket does not exist yet, so the state is local until it does. */
  readonly first: boolean;
  /** The AWS profile for tooling's bucket, if the current one is another account's. */
  readonly stateProfile: string | undefined;
};

/** Stacks in the order of application: each after those whose outputs it reads. */
export const listStacks = ({ tooling }: Accounts): readonly string[] => [
  "bootstrap-tooling",
  // A trial's one account has one bootstrap.
  ...(tooling.trial ? [] : ["bootstrap-stage", "bootstrap-prod"]),
  ...(tooling.registry.kind === "own" ? ["network", "registry"] : []),
  "serving-stage",
  "serving-prod",
  "delivery",
];

const isBootstrap = (stack: string): boolean => stack.startsWith("bootstrap-");

/** The command cannot run; the message says what to do instead. */
export class NotAsked extends Error {
  override readonly name = "NotAsked";
}

/** The stacks of a command, in order. Throws NotAsked. */
export const selectStacks = (
  order: readonly string[],
  { stacks, first }: CommandOptions,
): readonly string[] => {
  const unknown = stacks.find((stack) => !order.includes(stack));
  if (unknown !== undefined) throw new NotAsked(`Unknown stack ${unknown}: use ${order.join(", ")}.`);
  if (first && stacks.join() !== "bootstrap-tooling")
    throw new NotAsked("--first is only for bootstrap-tooling: npm run apply -- bootstrap-tooling --first");
  // A person applies the bootstrap stacks once, with permissions that no CI role has.
  return stacks.length === 0
    ? order.filter((stack) => !isBootstrap(stack))
    : order.filter((stack) => stacks.includes(stack));
};

export type TerraformInvocation = {
  readonly args: readonly string[];
  /** Whether the state is in the stack's folder instead of the bucket. */
  readonly localState: boolean;
};

const commonArguments = ["-input=false", "-no-color"];

/** The invocations of Terraform for one stack, in order. */
export const listTerraformInvocations = (
  verb: "plan" | "apply",
  stack: string,
  options: CommandOptions,
): readonly TerraformInvocation[] => {
  const { first, fromStates, stateProfile, yes } = options;
  const bucket = stateProfile === undefined ? [] : [`-backend-config=profile=${stateProfile}`];
  const run = (localState: boolean, ...args: readonly string[]) => ({ localState, args });
  const init = run(first, "init", ...commonArguments, ...(first ? [] : bucket), "-reconfigure");
  const planArguments = fromStates
    ? ["-lock=false", "-refresh=false", ...(isBootstrap(stack) ? [] : ["-var=role=slipway-terraform-plan"])]
    : [];
  if (verb === "plan") return [init, run(first, "plan", ...commonArguments, ...planArguments)];
  const apply = run(first, "apply", "-no-color", ...(yes ? ["-input=false", "-auto-approve"] : []));
  return first
    ? [init, apply, run(false, "init", ...commonArguments, ...bucket, "-migrate-state", "-force-copy")]
    : [init, apply];
};
