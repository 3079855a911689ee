/** A value that does not fit: which row and input it is of (undefined: all rows; the whole row), and what is wrong in words. */
export type RowProblem = {
  readonly row?: number;
  readonly input?: string;
  readonly detail: string;
};

const escapeToken = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");

/** The RFC 6901 pointer to a problem's value in rows that lie under `base`, each an object. */
export const rowPointer =
  (base: string) =>
  ({ row, input }: Omit<RowProblem, "detail">): string =>
    `${base}${row === undefined ? "" : `/${row}`}${input === undefined ? "" : `/${escapeToken(input)}`}`;
