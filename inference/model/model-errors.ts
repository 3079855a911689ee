/** A run of the model was stopped: it exceeded its time or memory, or its process crashed. */
export class RunStopped extends Error {
  override readonly name = "RunStopped";
}

/** The model temporarily accepts no requests. */
export class ModelBusy extends Error {
  override readonly name = "ModelBusy";
}

/** onnxruntime could not run the graph on these rows. `cause` has its own message, for a log. */
export class RunFailed extends Error {
  override readonly name = "RunFailed";
}

/** A value of these rows selects a row that a table in the graph does not have (Gather, an embedding). */
export class IndexOutOfRange extends Error {
  override readonly name = "IndexOutOfRange";
}
