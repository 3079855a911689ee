// Capabilities end with it as steps do, and they may not know the domain.
export { TemporaryFault } from "#platform/errors/temporary-fault.ts";

/** A newer delivery, or a person's rollback, has the environment: this one ends without touching it. */
export class Superseded extends Error {
  override readonly name = "Superseded";
}

/** Another delivery held prod until this one's patience ended, or prod changed too often while it asked. */
export class ProdBusy extends Error {
  override readonly name = "ProdBusy";
}

/** The deployed model answered its golden vectors otherwise than at training. */
export class GoldenVectorsDiffer extends Error {
  override readonly name = "GoldenVectorsDiffer";
}

/** The image has findings over the limits, or its scan did not end in time. */
export class ImageScanFailed extends Error {
  override readonly name = "ImageScanFailed";
}

/** What the ledger names could not be put back, or did not prove itself when it was. */
export class RollBackFailed extends Error {
  override readonly name = "RollBackFailed";
}

/** What is about to change prod is not what people approved. */
export class ApprovalMismatch extends Error {
  override readonly name = "ApprovalMismatch";
}

/** Prod changed after the model was measured: what was measured against the champion before is worth nothing. */
export class ProdChanged extends Error {
  override readonly name = "ProdChanged";
}

/** A step was given data that its contract refuses: a fault of the definition or of the caller. */
export class ContractBroken extends Error {
  override readonly name = "ContractBroken";
}
