import * as z from "zod";
import type { LogWarning } from "#domain/delivery/log-warning.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import type { MessageFacts } from "#domain/message/message-state.ts";
import { readMessageFacts } from "#domain/message/read-message-facts.ts";
import { deriveSourceReport } from "#domain/source-report/derive-source-report.ts";
import { SlipwayEvent } from "#platform/events/events.ts";
import type { SourceReports } from "#platform/source-reports/source-reports.ts";
import { readPages, type Store } from "#platform/store/store.ts";

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

/** Deliveries whose last report may be missing or old. */
const partition = "source-reports-unfinished";
const Note = z.object({ model: z.string(), commit: z.string() });
type Note = z.infer<typeof Note>;
/** A host that refuses for this long is not asked about it again. */
const retentionSeconds = 7 * 86_400;

const hasFacts = ({ questions, ended }: MessageFacts): boolean => questions.length > 0 || ended !== undefined;

/**
 * Reports deliveries where their source is. An event of a delivery starts it, and a schedule, which repeats what failed: the
 * report is derived from stored facts, so that a lost, repeated or late event changes nothing. An error is logged and ends
 * nothing.
 */
export const reportSource = ({ store, reports, linkDelivery, clock, warn }: ReportSourceDependencies) => {
  const readFacts = readMessageFacts({ store, clock });
  const ledger = createLedger({ store });

  /** A person's rollback is no delivery: it concerns the one whose promotion it takes back. */
  const findDelivery = async (event: SlipwayEvent): Promise<(Note & { delivery: string }) | undefined> => {
    if (event.type === "configuration-drift") return undefined;
    const { model, commit, delivery } = event;
    if (event.type !== "rolled-back") return { model, commit, delivery };
    const takenBack = (await ledger.ofDelivery("prod", model, delivery))?.takesBack;
    if (typeof takenBack !== "string")
      return hasFacts(await readFacts(delivery)) ? { model, commit, delivery } : undefined;
    const promoted = await ledger.ofDelivery("prod", model, takenBack);
    return promoted && { model, commit: promoted.commit, delivery: takenBack };
  };

  const note = async (delivery: string, about: Note): Promise<void> => {
    await store.put(
      { partition, sort: delivery },
      { model: about.model, commit: about.commit },
      { expiresAt: Math.floor(clock() / 1_000) + retentionSeconds },
    );
  };

  /** Once more where facts changed meanwhile, so that the last one to write has written the newest. */
  const report = async (delivery: string, about: Note): Promise<boolean> => {
    try {
      for (let shown = ""; ; ) {
        const facts = await readFacts(delivery);
        const next = deriveSourceReport(about, facts, linkDelivery(delivery));
        if (JSON.stringify(next) === shown) return facts.ended !== undefined;
        await reports.show(next);
        shown = JSON.stringify(next);
      }
    } catch (error) {
      warn(`${delivery} could not be reported to its source's host; the next run tries again`, error, {
        delivery,
        model: about.model,
      });
      return false;
    }
  };

  /** Reports what is noted; what has ended and is shown needs no further report. */
  const reportNoted = async (only?: string): Promise<number> => {
    let reported = 0;
    for await (const notes of readPages(store, { partition, order: "ascending", limit: 100 }))
      for (const { key, value, version } of notes) {
        if (only !== undefined && key.sort !== only) continue;
        reported++;
        // Only this note: a newer one belongs to a fact that is not shown yet.
        if (await report(key.sort, Note.parse(value))) await store.remove(key, { expect: version });
      }
    return reported;
  };

  return async (event: unknown): Promise<ReportSourceOutput> => {
    const delivered = Delivered.parse(event);
    if (!("detail" in delivered)) return { reported: await reportNoted() };
    const found = await findDelivery(delivered.detail);
    if (!found) return { reported: 0 };
    await note(found.delivery, found);
    return { reported: await reportNoted(found.delivery) };
  };
};
