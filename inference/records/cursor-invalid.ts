/** The cursor does not belong to this list. */
export class CursorInvalid extends Error {
  override readonly name = "CursorInvalid";
}
