import { listTextInputs, type TextRules } from "./list-text-inputs.ts";

type TextIssue = { readonly path: readonly (string | number)[]; readonly message: string };

/** What a model with a tokenizer must have: one text or a pair of them, each an input that is never missing. */
export const findTextIssues = (manifest: TextRules & { readonly task: string }): readonly TextIssue[] => {
  const { tokenizer, inputs, task } = manifest;
  if (!tokenizer)
    return task === "entities"
      ? [{ path: ["task"], message: "entities are labels of tokens, and the manifest names no tokenizer" }]
      : [];
  const { text, pair } = tokenizer;
  if (text !== undefined && pair)
    return [{ path: ["tokenizer", "text"], message: "write text or pair, not both" }];
  const names = listTextInputs(manifest);
  if (names.length === 0)
    return [
      {
        path: ["tokenizer"],
        message: inputs.some(({ type, format }) => type === "string" && format === undefined)
          ? "several inputs are of type string: name the text in tokenizer.text, or two texts in tokenizer.pair"
          : "a model with a tokenizer takes a text, an input of type string and required",
      },
    ];
  const issues = names.flatMap((name, index): TextIssue[] => {
    const input = inputs.find((each) => each.name === name);
    const path = pair
      ? ["tokenizer", "pair", index]
      : text === undefined
        ? ["tokenizer"]
        : ["tokenizer", "text"];
    if (!input) return [{ path, message: `${name} is not one of the inputs` }];
    return input.type === "string" && input.format === undefined && input.required
      ? []
      : [{ path, message: `${name} is a text for the tokenizer: it must be of type string and required` }];
  });
  if (pair && pair[0] === pair[1])
    issues.push({ path: ["tokenizer", "pair"], message: "both texts of the pair are the same input" });
  if (pair && task === "entities")
    issues.push({ path: ["tokenizer", "pair"], message: "entities are parts of one text, not of a pair" });
  return issues;
};
