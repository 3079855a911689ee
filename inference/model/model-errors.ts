/** A run of the model was stopped: it exceeded its time or memory, or its process crashed. */
export class RunStopped extends Error {
  override readonly name = "RunStopped";
}

/** The model temporarily accepts no requests. */
export class ModelBusy extends Error {
  override readonly name = "ModelBusy";
}
