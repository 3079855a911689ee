import * as z from "zod";
import { CursorInvalid } from "./cursor-invalid.ts";

/**
 * Where a page begins: at this row of the request that has this place in the index, or behind that place (row null),
 * whether or not a request has it.
 */
const ListPosition = z.tuple([
  z.string().regex(/^\d{15}(#[A-Za-z0-9_-]{1,64})?$/),
  z.int().min(0).max(1_000_000).nullable(),
]);
export type ListPosition = { readonly sort: string; readonly row: number | null };

/** The longest cursor there is. */
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

/** Throws CursorInvalid for all that `writeCursor` does not write. */
export const readCursor = (cursor: string): ListPosition => {
  const parsed = cursor.length <= maxCursorLength ? ListPosition.safeParse(parse(cursor)) : undefined;
  if (!parsed?.success) throw new CursorInvalid("This is no cursor that a page of this list has given.");
  const [sort, row] = parsed.data;
  const position = { sort, row };
  if (writeCursor(position) !== cursor)
    throw new CursorInvalid("This is no cursor that a page of this list has given.");
  return position;
};
