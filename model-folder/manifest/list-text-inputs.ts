/** The parts of a manifest that say which inputs the tokenizer takes. */
export type TextRules = {
  readonly inputs: readonly {
    readonly name: string;
    readonly type: string;
    readonly required: boolean;
    /** The text of an integer is no text for a tokenizer. */
    readonly format?: string | undefined;
  }[];
  readonly tokenizer?:
    | { readonly text?: string | undefined; readonly pair?: readonly [string, string] | undefined }
    | undefined;
};

/**
 * The names of the inputs that the tokenizer takes: one text, or two of a pair, the first one first. Empty for a model
 * without a tokenizer, and where the manifest names none of several.
 */
export const listTextInputs = ({ inputs, tokenizer }: TextRules): readonly string[] => {
  if (!tokenizer) return [];
  if (tokenizer.pair) return tokenizer.pair;
  if (tokenizer.text !== undefined) return [tokenizer.text];
  const [text, ...others] = inputs.filter(({ type, format }) => type === "string" && format === undefined);
  return text && others.length === 0 ? [text.name] : [];
};
