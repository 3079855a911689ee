/** The ONNX file is broken, refused or does not match its manifest. */
export class ModelUnreadable extends Error {
  override readonly name = "ModelUnreadable";
  /** What to do, in one sentence, where it is not to export the model again. */
  readonly remedy: string | undefined;
  constructor(message: string, remedy?: string) {
    super(message);
    this.remedy = remedy;
  }
}
