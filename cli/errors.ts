/** The command line names something that is not there. */
export class UsageMistake extends Error {
  override readonly name = "UsageMistake";
}

/** A new model's folder is there already. */
export class ModelFolderExists extends Error {
  override readonly name = "ModelFolderExists";
}
