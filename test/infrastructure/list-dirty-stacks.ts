import type { TerraformResult } from "#test/peers/terraform.ts";

/** Each plan starts providers of some hundred MB. */
const plansAtATime = 2;

/**
 * Plans stacks whose resources are applied, two at a time. Returns the end of Terraform's output for each plan that has
 * changes or fails, by stack. `plan`: a run of `terraform plan -detailed-exitcode`.
 */
export const listDirtyStacks = async (
  stacks: Iterable<string>,
  plan: (stack: string) => Promise<TerraformResult>,
): Promise<Readonly<Record<string, string>>> => {
  const dirty: Record<string, string> = {};
  // One iterator for all: each takes the next stack when its plan has ended.
  const waiting = [...stacks].values();
  const planNext = async (): Promise<void> => {
    for (const stack of waiting) {
      const { code, output } = await plan(stack);
      if (code !== 0) dirty[stack] = output.slice(-4_000);
    }
  };
  await Promise.all(Array.from({ length: plansAtATime }, planNext));
  return dirty;
};
