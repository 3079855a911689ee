import { createHash } from "node:crypto";
import type { Entry } from "#platform/store/store.ts";
import type { ColumnNames } from "./column-format.ts";
import { recordPartitions, startOfHour, toHourExpiry } from "./record-keys.ts";
import type { PredictedRequest } from "./records.ts";
import type { RecordForm } from "./stored-request.ts";

type FormUse = {
  /** The form's item, where this hour has not written it yet. */
  readonly entries: readonly Entry[];
  /** Must be called when the items of the request are written. */
  readonly written: () => void;
};

export type PackedItem = FormUse & {
  /** PackedRequest as JSON. */
  readonly json: string;
};

type Form = {
  readonly names: ColumnNames;
  readonly version: number;
  readonly digest: string;
  readonly id: string;
  readonly json: string;
};

/** Callers that order a row's names differently have forms of their own; more than this are written more often. */
const maxKnownForms = 100;

/**
 * A form lives an hour longer than its hour's records: another process may already have written it for the next hour when this
 * one writes it for a late request.
 */
const spareSeconds = 3_600;

const noUse: FormUse = { entries: [], written: () => undefined };

/** @param ttlDays part of the name, so that a form never expires before a request that was recorded with a longer time */
const createForm = (
  names: ColumnNames,
  { modelVersion: version, digest }: PredictedRequest,
  ttlDays: number,
): Form => {
  const form: RecordForm = { ...names, version, digest };
  const json = JSON.stringify(form);
  const id = createHash("sha256").update(`${ttlDays} ${json}`).digest("base64url").slice(0, 22);
  return { names, version, digest, id, json };
};

/**
 * Creates the writer of PackedRequest. What requests have in common is written once an hour, with the first request that
 * needs it, and expires after that hour's last request: the names of a row take several times the bytes of its numbers.
 */
export const createRequestPacker = (ttlDays: number) => {
  let form: Form | undefined;
  /** By the form's name, the start of the latest hour whose requests have written it, in epoch milliseconds. */
  const writtenIn = new Map<string, number>();
  const findForm = (request: PredictedRequest, names: ColumnNames): Form => {
    const { modelVersion, digest } = request;
    if (form?.names !== names || form.version !== modelVersion || form.digest !== digest)
      form = createForm(names, request, ttlDays);
    return form;
  };
  const readWrittenIn = (id: string): number => writtenIn.get(id) ?? Number.NEGATIVE_INFINITY;
  const useForm = ({ id, json }: Form, request: PredictedRequest): FormUse => {
    const start = startOfHour(request.at);
    if (start <= readWrittenIn(id)) return noUse;
    const key = { partition: recordPartitions(request).forms, sort: id };
    return {
      entries: [{ key, json, expiresAt: toHourExpiry(start, ttlDays) + spareSeconds }],
      written: () => {
        if (writtenIn.size >= maxKnownForms) writtenIn.clear();
        writtenIn.set(id, Math.max(readWrittenIn(id), start));
      },
    };
  };
  /** @param bytes the rows' numbers, of which `names` says what they mean */
  return (request: PredictedRequest, names: ColumnNames, count: number, bytes: Buffer): PackedItem => {
    const used = findForm(request, names);
    const { entries, written } = useForm(used, request);
    const numbers = bytes.toString("base64");
    const json = `{"at":${request.at},"latencyMs":${request.latencyMs},"count":${count},"form":"${used.id}","numbers":"${numbers}"}`;
    return { entries, written, json };
  };
};
