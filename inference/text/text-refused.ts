/** The tokenizer cannot encode a text, for example because it has no token for unknown words. */
export class TextRefused extends Error {
  override readonly name = "TextRefused";
}
