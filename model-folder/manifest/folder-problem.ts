/** A mistake in a model's folder: where, what, and how to correct it. */
export type FolderProblem = {
  readonly severity: "error" | "warning";
  /** Name of the file in the model's folder. */
  readonly file: string;
  /** Counted from 1; absent if the file is missing or has no lines (an ONNX file). */
  readonly line?: number;
  readonly column?: number;
  /** The path in the document, for example `inputs[3].min`; empty for the whole document. */
  readonly path: string;
  readonly message: string;
  /** What to do, in one sentence. */
  readonly remedy: string;
  /** A warning that does not stop a build, though the delivery will end with an error. */
  readonly failsDelivery?: true;
};

/** Whether a delivery of the folder cannot succeed. */
export const stopsDelivery = ({ severity, failsDelivery }: FolderProblem): boolean =>
  severity === "error" || failsDelivery === true;

/** Formats a problem on one line, as compilers do: `model.yaml:12:5: inputs[3].min: … Remedy.` */
export const formatProblem = ({ file, line, column, path, message, remedy }: FolderProblem): string =>
  `${file}${line === undefined ? "" : `:${line}${column === undefined ? "" : `:${column}`}`}: ${path ? `${path}: ` : ""}${message}. ${remedy}`;

/** Formats a path for people: `inputs[3].min`. */
export const formatPath = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, key) => (typeof key === "number" ? `${text}[${key}]` : `${text}${text ? "." : ""}${String(key)}`),
    "",
  );

/** model.yaml or another file of the model's folder is invalid. */
export class ManifestInvalid extends Error {
  override readonly name = "ManifestInvalid";
  readonly problems: readonly FolderProblem[];
  constructor(problems: readonly FolderProblem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.problems = problems;
  }
}
