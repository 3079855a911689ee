// Declared in platform/, because capabilities throw it too and may not import the domain.
export { TemporaryFault } from "#platform/errors/temporary-fault.ts";

/** A later delivery, or a person's rollback, has the environment. This delivery ends without changing it. */
export class Superseded extends Error {
  override readonly name = "Superseded";
}

/** Another delivery held prod for too long, or prod changed too often during the approval. */
export class ProdBusy extends Error {
  override readonly name = "ProdBusy";
}

/** The deployed model predicts its golden vectors differently than at training. */
export class GoldenVectorsDiffer extends Error {
  override readonly name = "GoldenVectorsDiffer";
}

/** The image has more findings than allowed, or its scan did not finish in time. */
export class ImageScanFailed extends Error {
  override readonly name = "ImageScanFailed";
}

/** The version that the ledger names could not be restored, or failed its golden vectors afterwards. */
export class RollBackFailed extends Error {
  override readonly name = "RollBackFailed";
}

/** A change of prod differs from what was approved. */
export class ApprovalMismatch extends Error {
  override readonly name = "ApprovalMismatch";
}

/** Prod changed after the model was measured, so the comparison with the champion is void. */
export class ProdChanged extends Error {
  override readonly name = "ProdChanged";
}

/** A step received data that its contract refuses: a bug in the state machine or in the caller. */
export class ContractBroken extends Error {
  override readonly name = "ContractBroken";
}
