/**
 * Names of the values that a regression predicts for each row: one, or several. The service's hot path imports it: it
 * must not load the manifest's schema.
 */
export const valueNames = (
  output: { readonly names: readonly string[] } | { readonly name: string },
): readonly string[] => ("names" in output ? output.names : [output.name]);
