import { SlipwayError } from "#platform/errors/slipway-error.ts";

// Capabilities end with it as steps do, and they may not know the domain.
export { TemporaryFault } from "#platform/errors/temporary-fault.ts";

/** A newer delivery, or a person's rollback, has the environment: this one ends without touching it. */
export class Superseded extends SlipwayError {
  override readonly name = "Superseded";
  override readonly retryable = false;
}

/** Another delivery held prod until this one's patience ended, or prod changed too often while it asked. */
export class ProdBusy extends SlipwayError {
  override readonly name = "ProdBusy";
  override readonly retryable = false;
}

/** The deployed model answered its golden vectors otherwise than at training. */
export class GoldenVectorsDiffer extends SlipwayError {
  override readonly name = "GoldenVectorsDiffer";
  override readonly retryable = false;
}

/** The image has findings over the limits, or its scan did not end in time. */
export class ImageScanFailed extends SlipwayError {
  override readonly name = "ImageScanFailed";
  override readonly retryable = false;
}

/** What the ledger names could not be put back, or did not prove itself when it was. */
export class RollBackFailed extends SlipwayError {
  override readonly name = "RollBackFailed";
  override readonly retryable = false;
}

/** What is about to change prod is not what people approved. */
export class ApprovalMismatch extends SlipwayError {
  override readonly name = "ApprovalMismatch";
  override readonly retryable = false;
}

/** Prod changed after the model was measured: what was measured against the champion before is worth nothing. */
export class ProdChanged extends SlipwayError {
  override readonly name = "ProdChanged";
  override readonly retryable = false;
}

/** A step was given data that its contract refuses: a fault of the definition or of the caller. */
export class ContractBroken extends SlipwayError {
  override readonly name = "ContractBroken";
  override readonly retryable = false;
}
