/** A pattern of onnxruntime's messages and the sentence in its place. Source of the messages: onnxruntime 1.30. */
type Pattern = readonly [RegExp, (...groups: string[]) => string];

const quote = (name: string): string => (name === "" ? "" : ` (${name})`);

const patterns: readonly Pattern[] = [
  [
    /Unsupported model IR version: (\d+), max supported IR version: (\d+)/,
    (own, most) =>
      `the model has IR version ${own}, the runtime reads up to ${most}: set model.ir_version = ${most} before onnx.save`,
  ],
  [
    /Opset (\d+) is under development[\s\S]*support for domain (\S+) is till opset (\d+)/,
    (own, domain, most) =>
      `the model has opset ${own} of ${domain}, the runtime reads up to ${most}: export with opset ${most} or lower`,
  ],
  [
    /No Op registered for (\S+) with domain_version of (\d+)/,
    (operator, version) =>
      `the runtime has no operator ${operator} in version ${version} of its operator set: export with standard operators, or another opset`,
  ],
  [
    /Could not find an implementation for (\S+?)(?:\(\d+\))? node with name '([^']*)'/,
    (operator, node) =>
      `the runtime cannot run the operator ${operator}${quote(node)} with these element types: export with float32`,
  ],
  [
    /Type Error: Type '([^']+)' of (?:input|output) parameter \(([^)]*)\) of operator \(([^)]+)\)/,
    (type, name, operator) =>
      `the operator ${operator} does not take ${name} as ${type}: export with float32`,
  ],
  [
    /Type Error: Type parameter \([^)]*\) of Optype \(([^)]+)\) bound to different types \((.+?) in node/,
    (operator, types) =>
      `the operator ${operator} gets different element types: ${types.replace(/\)$/, "")})`,
  ],
  [
    /Node input '([^']*)' is not a graph input/,
    (name) => `a node takes ${name}, which nothing in the graph makes: export the model again`,
  ],
  [
    /Unrecognized attribute: (\S+) for operator (\S+)/,
    (attribute, operator) =>
      `the operator ${operator} has an attribute ${attribute} that its version does not know: export with another opset`,
  ],
  [
    /Invalid rank for input: (\S+) Got: (\d+) Expected: (\d+)/,
    (name, got, expected) => `the graph takes ${name} with ${expected} dimensions, it got ${got}`,
  ],
  [
    /invalid dimensions for input: (\S+) for[\s\S]*?index: (\d+) Got: (\d+) Expected: (\d+)/,
    (name, index, got, expected) =>
      `the graph takes ${name} with ${expected} in dimension ${index}, it got ${got}`,
  ],
  [
    /Unexpected input data type\. Actual: \((.+?)\) , expected: \((.+?)\)/,
    (got, expected) => `the graph takes an input as ${expected}, it got ${got}`,
  ],
  [/input '([^']*)' is missing in 'feeds'/, (name) => `the graph's input ${name} has no value`],
  [/[Pp]rotobuf parsing failed/, () => "the file is not an ONNX model, or is truncated: export it again"],
  [
    /Non tensor type is temporarily not supported/,
    () => "the graph has an output that is not a tensor (a sequence or a map): export it as tensors",
  ],
  [/std::bad_alloc|Failed to allocate memory/, () => "the model needs more memory than there is"],
];

/** Removes paths of the runtime's source, with the signature of the function that follows each. */
const removeSources = (text: string): string => {
  const match = /\S*\/onnxruntime\/\S*:\d+ |\S+\.(?:cc|cpp|h):\d+ /.exec(text);
  if (!match) return text;
  const before = text.slice(0, match.index);
  const after = text.slice(match.index + match[0].length);
  // A failed condition names what it found after this; otherwise the sentence follows the signature.
  const condition = after.indexOf(" was false. ");
  if (condition >= 0) return before + removeSources(after.slice(condition + " was false. ".length));
  return before + removeSources(after.slice(findSignatureEnd(after)));
};

const findSignatureEnd = (text: string): number => {
  let depth = 0;
  for (let at = text.indexOf("("); at >= 0 && at < text.length; at++) {
    if (text[at] === "(") depth++;
    else if (text[at] === ")" && --depth === 0) {
      const rest = text.slice(at + 1);
      // " const", and the types of a template: " [with T = float]".
      return at + 1 + (/^(?: const)?(?: \[with [^\]]*\])? */.exec(rest)?.[0].length ?? 0);
    }
  }
  return 0;
};

const maxLength = 300;
const tidy = (text: string): string => {
  const plain = removeSources(text)
    .replaceAll(/\S*onnxruntime(?:_src|::)\S*/g, "")
    .replaceAll(/\s+/g, " ")
    .trim();
  return plain.length > maxLength ? `${plain.slice(0, maxLength).toWellFormed()}…` : plain.replace(/\.$/, "");
};

/**
 * Says in a sentence what onnxruntime's message means, and which operator it is about. The sentence never holds a path or a
 * signature of the runtime's own source; keep the message itself for a log (`cause`).
 */
export const explainRuntimeError = (message: string): string => {
  for (const [pattern, toSentence] of patterns) {
    const match = pattern.exec(message);
    if (match) return toSentence(...match.slice(1));
  }
  const failed = /while running (\S+) node\. Name:'([^']*)' Status Message: ([\s\S]*)/.exec(message);
  if (failed) {
    const [, operator = "", node = "", reason = ""] = failed;
    return `the operator ${operator}${quote(node)} failed: ${tidy(reason)}`;
  }
  const inferred = /Node \(([^)]*)\) Op \(([^)]+)\) \[\w+\] ([\s\S]*)/.exec(message);
  if (inferred) {
    const [, node = "", operator = "", reason = ""] = inferred;
    return `the operator ${operator}${quote(node)} is invalid: ${tidy(reason)}`;
  }
  return (
    tidy(message.replace(/^(?:Load model from \S+ failed:|This is an invalid model\. )/, "")) || "no reason"
  );
};

/** Whether a run failed because a value selects a row that a table in the graph does not have. */
export const isIndexError = (message: string): boolean =>
  /while running/.test(message) &&
  /out of (?:data )?bounds|out[ -]of[ -]range|invalid ind(?:ex|ices)/i.test(message);
