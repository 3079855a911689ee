import { randomUUID } from "node:crypto";
import type { Admit } from "#api-keys/admission.ts";
import type { PreparedFolder } from "#inference/prepared-folder.ts";
import { isRecordsPath } from "#inference/records/is-records-path.ts";
import type { RecordStorage } from "#inference/records/records.ts";
import { createUuidV7 } from "#inference/records/uuid-v7.ts";
import { serveModel } from "#inference/serve-model.ts";
import { formatEmf } from "#platform/metrics/format-emf.ts";
import type { StartMessage } from "./worker-messages.ts";

type Needs = Pick<StartMessage, "folder" | "environment" | "version" | "hostNames" | "needsKeys"> & {
  readonly prepared: PreparedFolder;
  readonly records: { readonly storage: RecordStorage; readonly hashKey: Uint8Array } | undefined;
  readonly admit: Admit;
  readonly hasAnyKey: () => Promise<boolean>;
  /** Gets each request's metrics as a line of CloudWatch's embedded metric format; absent: nobody wants them. */
  readonly printMetrics?: ((line: string) => void) | undefined;
  readonly log: (line: string) => void;
};

/** The service of `slipway serve`: in its only process, or in one of its workers. */
export const openService = ({ environment, version, needsKeys, hasAnyKey, printMetrics, ...rest }: Needs) =>
  serveModel({
    ...rest,
    identity: { environment, version },
    // Without keys for everything, predictions are open, and records are open until a first key exists.
    needsKey: needsKeys ? undefined : ({ path }) => isRecordsPath(path) && hasAnyKey(),
    now: Date.now,
    tick: () => performance.now(),
    // With the time of arrival a record is found by its id alone.
    newId: (at = Date.now()) => createUuidV7(at, randomUUID()),
    report: printMetrics && ((metrics) => printMetrics(formatEmf(metrics))),
  });
