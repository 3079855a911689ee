/** A run of the model was stopped: it did not end within its deadline or its memory, or its process broke. */
export class RunStopped extends Error {
  override readonly name = "RunStopped";
}

/** The model takes no requests for now. */
export class ModelBusy extends Error {
  override readonly name = "ModelBusy";
}
