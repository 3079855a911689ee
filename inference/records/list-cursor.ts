import * as z from "zod";
import { CursorInvalid } from "./cursor-invalid.ts";

/**
 * The start of a page: this row of the request with this sort key in the index, or (row null) the first request after that
 * sort key.
 */
const ListPosition = z.tuple([
  z.string().regex(/^\d{15}(#[A-Za-z0-9_-]{1,64})?$/),
  z.int().min(0).max(1_000_000).nullable(),
]);
export type ListPosition = { readonly sort: string; readonly row: number | null };

export const maxCursorLength = 200;

export const writeCursor = ({ sort, row }: ListPosition): string =>
  Buffer.from(JSON.stringify([sort, row])).toString("base64url");

const parse = (cursor: string): unknown => {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
};

/** Throws CursorInvalid for everything that `writeCursor` does not write. */
export const readCursor = (cursor: string): ListPosition => {
  const parsed = cursor.length <= maxCursorLength ? ListPosition.safeParse(parse(cursor)) : undefined;
  if (!parsed?.success)
    throw new CursorInvalid("The cursor is invalid: use the cursor of the previous page.");
  const [sort, row] = parsed.data;
  const position = { sort, row };
  if (writeCursor(position) !== cursor)
    throw new CursorInvalid("The cursor is invalid: use the cursor of the previous page.");
  return position;
};
