type Options = {
  /** What to do, in one sentence, where it is not to export the model again. */
  readonly remedy?: string;
  readonly cause?: unknown;
};

/** The ONNX file is broken, refused or does not match its manifest. */
export class ModelUnreadable extends Error {
  override readonly name = "ModelUnreadable";
  readonly remedy: string | undefined;
  constructor(message: string, { remedy, ...options }: Options = {}) {
    super(message, options);
    this.remedy = remedy;
  }
}
