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

/** A vote, or the request to break the glass, does not count; the message says why. */
export class DecisionRefused extends Error {
  override readonly name = "DecisionRefused";
}

/** A canary does not take an order; the message says why. */
export class OrderRefused extends Error {
  override readonly name = "OrderRefused";
}

/** The folder of a new model exists already. */
export class ModelFolderExists extends Error {
  override readonly name = "ModelFolderExists";
}
