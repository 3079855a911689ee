import { createHash } from "node:crypto";
import * as z from "zod";
import type { LogWarning } from "#domain/delivery/log-warning.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import type { MessageFacts } from "#domain/message/message-state.ts";
import { readMessageFacts } from "#domain/message/read-message-facts.ts";
import { deriveSourceReport } from "#domain/source-report/derive-source-report.ts";
import { findShownDeliveries, type ShownDelivery } from "#domain/source-report/find-shown-deliveries.ts";
import { createReportNotes, type ReportNote } from "#domain/source-report/report-notes.ts";
import { SlipwayEvent } from "#platform/events/events.ts";
import { CommitNotFound } from "#platform/source/source.ts";
import { ReportsPaused, type SourceReports } from "#platform/source-reports/source-reports.ts";
import type { Store } from "#platform/store/store.ts";

type ReportSourceDependencies = {
  readonly store: Store;
  readonly reports: SourceReports;
  /** The address of a delivery's page. */
  readonly linkDelivery: (delivery: string) => string;
  readonly clock: () => number;
  readonly warn: LogWarning;
};

export type ReportSourceOutput = { readonly reported: number };

/** An event of Slipway's bus, or of the schedule, as EventBridge delivers them. */
const Delivered = z.union([
  z.object({ detail: SlipwayEvent }),
  z.object({ "detail-type": z.literal("Scheduled Event") }),
]);

/** A run begins no report after this time, and its lease ends when Lambda has ended it: terraform/function-timeouts.ts. */
const runLimitMs = 180_000;
const leaseMs = 310_000;
/** So many errors one after the other are the host's, and no delivery's: the next run tries again. */
const maxErrors = 3;

const hasFacts = ({ questions, ended }: MessageFacts): boolean => questions.length > 0 || ended !== undefined;
/** New ones before those that failed, the longest wait first. */
const compareNotes = (one: ReportNote, other: ReportNote): number => (one.nextAt ?? 0) - (other.nextAt ?? 0);

/**
 * Reports deliveries where their source is. An event of a delivery starts it, and a schedule, which repeats what failed: the
 * report is derived from stored facts, so that a lost, repeated or late event changes nothing. One run at a time reports; the
 * others only note what it finds. An error is logged and ends nothing.
 */
export const reportSource = ({ store, reports, linkDelivery, clock, warn }: ReportSourceDependencies) => {
  const readFacts = readMessageFacts({ store, clock });
  const findShown = findShownDeliveries({ store });
  const ledger = createLedger({ store });
  const notes = createReportNotes({ store, clock });

  /** A person's rollback is no delivery: it concerns the one whose promotion it takes back. */
  const findDelivery = async (event: SlipwayEvent): Promise<ShownDelivery | undefined> => {
    if (event.type === "configuration-drift") return undefined;
    const { model, commit, delivery } = event;
    if (event.type !== "rolled-back") return { model, commit, delivery };
    const takenBack = (await ledger.ofDelivery("prod", model, delivery))?.takesBack;
    if (typeof takenBack !== "string")
      return hasFacts(await readFacts(delivery)) ? { model, commit, delivery } : undefined;
    const promoted = await ledger.ofDelivery("prod", model, takenBack);
    return promoted && { model, commit: promoted.commit, delivery: takenBack };
  };

  /** What this delivery replaced, and what its end or rollback gave back: their deployments changed too. */
  const noteOthers = async (delivery: string, { model }: ReportNote): Promise<void> => {
    const { stage, prod } = await findShown(model);
    const own = await ledger.ofDelivery("prod", model, delivery);
    const replaced = own && own.previous > 0 ? await ledger.at("prod", model, own.previous) : undefined;
    for (const other of [stage, prod, replaced?.reason === null ? replaced : undefined])
      if (other && other.delivery !== delivery) await notes.addFollowing(other.delivery, other);
  };

  /**
   * Once more where facts changed meanwhile, so that the last one to write has written the newest. Returns the note's
   * version; undefined: it is removed, because what has ended and is shown needs no further report.
   */
  const show = async (note: ReportNote): Promise<number | undefined> => {
    const { delivery } = note;
    for (let taken = note.shown; ; ) {
      const facts = await readFacts(delivery);
      const { stage, prod } = await findShown(note.model);
      const shown = { stage: stage?.delivery, prod: prod?.delivery };
      const next = deriveSourceReport(note, facts, linkDelivery(delivery), shown);
      const hash = createHash("sha256").update(JSON.stringify(next)).digest("hex");
      if (hash !== taken) {
        await reports.show(next);
        await notes.succeed();
        taken = hash;
      } else if (facts.ended) {
        if (note.follows !== true) await noteOthers(delivery, note);
        await notes.remove(note);
        return undefined;
      } else return hash === note.shown ? note.version : notes.keep(note, hash);
    }
  };

  const report = async (
    note: ReportNote,
  ): Promise<{ readonly version: number | undefined; readonly error?: unknown }> => {
    const { delivery, model } = note;
    try {
      return { version: await show(note) };
    } catch (error) {
      warn(`${delivery} could not be reported to its source's host; the next run tries again`, error, {
        delivery,
        model,
      });
      if (!(error instanceof ReportsPaused)) return { version: await notes.fail(note, error), error };
      await notes.pause(error.until);
      return { version: note.version, error };
    }
  };

  /**
   * Reports what is due, each note once, unless it was written again meanwhile. With `first`, the delivery of an event, only
   * that and what is new: the rest belongs to the schedule, so that an event costs no more where many deliveries wait.
   */
  const reportDue = async (first?: string): Promise<number> => {
    const began = clock();
    const tried = new Map<string, number>();
    const listDue = async () => {
      if (((await notes.readPause()) ?? 0) > clock()) return [];
      const due = (await notes.list()).filter(
        ({ delivery, version, nextAt = 0, shown, failure }) =>
          nextAt <= clock() &&
          (tried.get(delivery) ?? 0) < version &&
          (first === undefined || (shown === undefined && failure === undefined)),
      );
      const isFirst = ({ delivery }: ReportNote) => delivery === first;
      return [...due.filter(isFirst), ...due.filter((note) => !isFirst(note)).toSorted(compareNotes)];
    };
    let reported = 0;
    let errors = 0;
    for (;;) {
      const lease = await notes.takeLease(leaseMs);
      if (lease === undefined) return reported;
      try {
        for (let due = await listDue(); due.length > 0; due = await listDue())
          for (const note of due) {
            if (clock() - began > runLimitMs) return reported;
            reported++;
            const { version, error } = await report(note);
            if (version === undefined) tried.delete(note.delivery);
            else tried.set(note.delivery, version);
            // Without its commit a delivery cannot be shown; that is no error of the host.
            errors = error === undefined || error instanceof CommitNotFound ? 0 : errors + 1;
            if (error instanceof ReportsPaused || errors >= maxErrors) return reported;
          }
      } finally {
        await notes.releaseLease(lease);
      }
      // Who noted something before this release got no lease.
      if ((await listDue()).length === 0) return reported;
    }
  };

  return async (event: unknown): Promise<ReportSourceOutput> => {
    const delivered = Delivered.parse(event);
    if (!("detail" in delivered)) return { reported: await reportDue() };
    const found = await findDelivery(delivered.detail);
    if (!found) return { reported: 0 };
    await notes.add(found.delivery, found);
    return { reported: await reportDue(found.delivery) };
  };
};
