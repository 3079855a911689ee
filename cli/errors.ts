/** The command line is wrong: it names something that does not exist, or lacks an option. */
export class UsageMistake extends Error {
  override readonly name = "UsageMistake";
}

/** The folder of a new model exists already. */
export class ModelFolderExists extends Error {
  override readonly name = "ModelFolderExists";
}
