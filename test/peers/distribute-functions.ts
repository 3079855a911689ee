/** A provider's configuration in a stack, as JSON. */
type ProviderJson = Readonly<Record<string, unknown>>;

/**
 * Distributes a stack's functions over its provider and copies of it, at most `limit` together. Returns the copies and, for
 * each function that a copy creates, the argument that says so.
 *
 * Terraform's provider creates one function after the other: from the call until the function is active it holds a lock,
 * and it waits 5 seconds before it looks (hashicorp/terraform-provider-aws, internal/service/lambda/function.go). Each
 * configuration of a provider is a process of its own, with a lock of its own.
 */
export const distributeFunctions = (
  functions: readonly string[],
  provider: ProviderJson,
  limit: number,
): {
  readonly copies: readonly ProviderJson[];
  readonly selections: Readonly<Record<string, { readonly provider: string }>>;
} => {
  const aliases = Array.from(
    { length: Math.max(0, Math.min(limit, functions.length) - 1) },
    (_, index) => `functions_${index + 1}`,
  );
  const selections = functions.flatMap((name, index) => {
    // The first of each round stays with the stack's own provider.
    const alias = aliases[(index % limit) - 1];
    return alias === undefined ? [] : [[name, { provider: `aws.${alias}` }] as const];
  });
  return {
    copies: aliases.map((alias) => ({ ...provider, alias })),
    selections: Object.fromEntries(selections),
  };
};
