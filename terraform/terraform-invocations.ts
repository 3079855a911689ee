import type { Accounts } from "./read-config.ts";

export type CommandOptions = {
  /** Stacks that were named; none: all that a role applies. */
  readonly stacks: readonly string[];
  /** Approved before: nobody is asked. */
  readonly yes: boolean;
  /** From the states alone, as a pull request's code may: no lock, no refresh, the role that may do nothing. */
  readonly fromStates: boolean;
  /** The first of all applies: its bucket is not there yet, so its state lies beside it until it is. */
  readonly first: boolean;
  /** The AWS profile that reaches tooling's bucket, while another account's is in force. */
  readonly stateProfile: string | undefined;
};

/** Stacks in the order in which they are applied, each after those whose outputs it reads. */
export const listStacks = ({ tooling }: Accounts): readonly string[] => [
  "bootstrap-tooling",
  "bootstrap-stage",
  "bootstrap-prod",
  ...(tooling.registry.kind === "own" ? ["network", "registry"] : []),
  "serving-stage",
  "serving-prod",
  "delivery",
];

const isBootstrap = (stack: string): boolean => stack.startsWith("bootstrap-");

/** What was asked for cannot be done; the message says what can. */
export class NotAsked extends Error {
  override readonly name = "NotAsked";
}

/** The stacks that a command works on, in order. Throws NotAsked. */
export const selectStacks = (
  order: readonly string[],
  { stacks, first }: CommandOptions,
): readonly string[] => {
  const unknown = stacks.find((stack) => !order.includes(stack));
  if (unknown !== undefined)
    throw new NotAsked(`There is no stack ${unknown}; there are ${order.join(", ")}.`);
  if (first && stacks.join() !== "bootstrap-tooling")
    throw new NotAsked("--first is for bootstrap-tooling alone: npm run apply -- bootstrap-tooling --first");
  // A person applies those once, with rights that no role of CI has.
  return stacks.length === 0
    ? order.filter((stack) => !isBootstrap(stack))
    : order.filter((stack) => stacks.includes(stack));
};

export type TerraformInvocation = {
  readonly args: readonly string[];
  /** Whether a state in the stack's own folder takes the bucket's place meanwhile. */
  readonly localState: boolean;
};

const commonArguments = ["-input=false", "-no-color"];

/** Terraform's invocations for one stack, in order. */
export const listTerraformInvocations = (
  verb: "plan" | "apply",
  stack: string,
  options: CommandOptions,
): readonly TerraformInvocation[] => {
  const { first, fromStates, stateProfile, yes } = options;
  const bucket = stateProfile === undefined ? [] : [`-backend-config=profile=${stateProfile}`];
  const run = (localState: boolean, ...args: readonly string[]) => ({ localState, args });
  const init = run(first, "init", ...commonArguments, ...(first ? [] : bucket), "-reconfigure");
  const looking = fromStates
    ? ["-lock=false", "-refresh=false", ...(isBootstrap(stack) ? [] : ["-var=role=slipway-terraform-plan"])]
    : [];
  if (verb === "plan") return [init, run(first, "plan", ...commonArguments, ...looking)];
  const apply = run(first, "apply", "-no-color", ...(yes ? ["-input=false", "-auto-approve"] : []));
  return first
    ? [init, apply, run(false, "init", ...commonArguments, ...bucket, "-migrate-state", "-force-copy")]
    : [init, apply];
};
