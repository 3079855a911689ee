import {
  ApprovalMismatch,
  CanaryAborted,
  ContractBroken,
  GoldenVectorsDiffer,
  ImageScanFailed,
  ProdBusy,
  ProdChanged,
  ProdClosed,
  RollBackFailed,
  Superseded,
} from "#domain/delivery/errors.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { FunctionBusy, FunctionFailed, NotServed, RevisionConflict } from "#platform/serving/serving.ts";

/** Errors that steps throw by name; each class says whether another try may succeed. */
const stepErrors = [
  TemporaryFault,
  RevisionConflict,
  FunctionBusy,
  FunctionFailed,
  NotServed,
  ContractBroken,
  GoldenVectorsDiffer,
  ImageScanFailed,
  ApprovalMismatch,
  CanaryAborted,
  ProdBusy,
  ProdChanged,
  ProdClosed,
  Superseded,
  RollBackFailed,
];

/** Names of those that the state machine retries. */
export const retryableErrors: readonly string[] = stepErrors
  .map((StepError) => new StepError())
  .filter(({ retryable }) => retryable)
  .map(({ name }) => name);
