import { SlipwayError } from "#platform/errors/slipway-error.ts";

/** A later delivery, or a person's rollback, has the environment. This delivery ends without changing it. */
export class Superseded extends SlipwayError {
  override readonly name = "Superseded";
  override readonly retryable = false;
}

/** Another delivery held prod for too long, or prod changed too often during the approval. */
export class ProdBusy extends SlipwayError {
  override readonly name = "ProdBusy";
  override readonly retryable = false;
}

/** The deployed model predicts its golden vectors differently than at training. */
export class GoldenVectorsDiffer extends SlipwayError {
  override readonly name = "GoldenVectorsDiffer";
  override readonly retryable = false;
}

/** The image has more findings than allowed, or its scan did not finish in time. */
export class ImageScanFailed extends SlipwayError {
  override readonly name = "ImageScanFailed";
  override readonly retryable = false;
}

/** The version that the ledger names could not be restored, or failed its golden vectors afterwards. */
export class RollBackFailed extends SlipwayError {
  override readonly name = "RollBackFailed";
  override readonly retryable = false;
}

/** A change of prod differs from what was approved. */
export class ApprovalMismatch extends SlipwayError {
  override readonly name = "ApprovalMismatch";
  override readonly retryable = false;
}

/** Prod changed after the model was measured, so the comparison with the champion is void. */
export class ProdChanged extends SlipwayError {
  override readonly name = "ProdChanged";
  override readonly retryable = false;
}

/** A freeze or the hours closed prod after the delivery claimed it and before its version had any traffic. */
export class ProdClosed extends SlipwayError {
  override readonly name = "ProdClosed";
  override readonly retryable = false;
}

/** A person ended the canary: prod goes back to the version that it served before. */
export class CanaryAborted extends SlipwayError {
  override readonly name = "CanaryAborted";
  override readonly retryable = false;
}

/** A step received data that its contract refuses: a bug in the state machine or in the caller. */
export class ContractBroken extends SlipwayError {
  override readonly name = "ContractBroken";
  override readonly retryable = false;
}
