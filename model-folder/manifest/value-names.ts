/**
 * Names of the values that a regression predicts for each row: one, or several; after a value its deviation. The service's hot path imports it: it
 * must not load the manifest's schema.
 */
export const valueNames = (
  output:
    | { readonly names: readonly string[] }
    | { readonly name: string; readonly deviation?: string | undefined },
): readonly string[] =>
  "names" in output
    ? output.names
    : output.deviation === undefined
      ? [output.name]
      : [output.name, output.deviation];
