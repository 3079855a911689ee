/** A mistake in a model's folder: where it is, what is wrong, and what to do about it. */
export type FolderProblem = {
  readonly severity: "error" | "warning";
  /** Name of the file in the model's folder. */
  readonly file: string;
  /** Counted from 1; absent where a file has no lines (an ONNX file) or is not there. */
  readonly line?: number;
  readonly column?: number;
  /** Where in the document, such as `inputs[3].min`; empty for the whole. */
  readonly path: string;
  readonly message: string;
  /** One sentence that says what to do. */
  readonly remedy: string;
};

/** The problem on one line, as compilers write it: `model.yaml:12:5 inputs[3].min: … Remedy.` */
export const formatProblem = ({ file, line, column, path, message, remedy }: FolderProblem): string =>
  `${file}${line === undefined ? "" : `:${line}${column === undefined ? "" : `:${column}`}`}: ${path ? `${path}: ` : ""}${message}. ${remedy}`;

/** A path as a person reads it: `inputs[3].min`. */
export const formatPath = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, key) => (typeof key === "number" ? `${text}[${key}]` : `${text}${text ? "." : ""}${String(key)}`),
    "",
  );

/** A model's folder does not hold what it must: model.yaml, or the data beside it. */
export class ManifestInvalid extends Error {
  override readonly name = "ManifestInvalid";
  readonly problems: readonly FolderProblem[];
  constructor(problems: readonly FolderProblem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.problems = problems;
  }
}
