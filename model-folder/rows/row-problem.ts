/** A problem with a value. `row` absent: all rows. `input` absent: the whole row. */
export type RowProblem = {
  readonly row?: number;
  readonly input?: string;
  /** Indexes into the nested arrays of a tensor. */
  readonly path?: readonly number[];
  readonly detail: string;
};

const escapePointerToken = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");

/** Returns the RFC 6901 pointer to a problem's value. `base` is the pointer of the array of row objects. */
export const rowPointer =
  (base: string) =>
  ({ row, input, path = [] }: Omit<RowProblem, "detail">): string =>
    `${base}${row === undefined ? "" : `/${row}`}${input === undefined ? "" : `/${escapePointerToken(input)}`}${path.map((index) => `/${index}`).join("")}`;
