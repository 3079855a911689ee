/** What was given as a page's cursor is none. */
export class CursorInvalid extends Error {
  override readonly name = "CursorInvalid";
}
