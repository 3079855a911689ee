/** The command line is wrong: it names something that does not exist, or lacks an option. */
export class UsageMistake extends Error {
  override readonly name = "UsageMistake";
}

/** A model that does not exist: `require-model.ts` throws it with the nearest name. */
export class ModelUnknown extends Error {
  override readonly name = "ModelUnknown";
  /** The models that exist. */
  readonly remedy: string;
  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

/** The folder of a new model exists already. */
export class ModelFolderExists extends Error {
  override readonly name = "ModelFolderExists";
}
