/** What a person brought makes no model: which part of it, and what to do about it. */
export class NewModelRefused extends Error {
  override readonly name = "NewModelRefused";
  /** @param remedy one sentence that says what to do */
  constructor(message: string, remedy: string) {
    super(`${message}. ${remedy}`);
  }
}
