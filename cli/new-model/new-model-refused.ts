/** ONNX file and CSV do not make a model's folder; the message has the reason and the remedy. */
export class NewModelRefused extends Error {
  override readonly name = "NewModelRefused";
  /** @param remedy one sentence */
  constructor(message: string, remedy: string) {
    super(`${message}. ${remedy}`);
  }
}
