import * as z from "zod";
import { createApprovalReader } from "#domain/approval/approval-records.ts";
import type { LogWarning } from "#domain/delivery/log-warning.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import type { Anchors } from "#platform/anchors/anchors.ts";
import { ModelVersionNotFound, type Registry } from "#platform/registry/registry.ts";
import type { Store } from "#platform/store/store.ts";
import { AuditEntry, type AuditFact, auditKeys, hashJson } from "./audit-entry.ts";
import { createAuditTrail } from "./audit-trail.ts";
import { deriveAuditFacts, toEvidence } from "./derive-audit-facts.ts";
import { readDeliveryFacts } from "./read-delivery-facts.ts";

/** What is outside the store already. A wrong value costs a repetition, and no proof. */
const Progress = z.object({
  /** Sequence of the newest anchor. */
  anchored: z.int().default(0),
  /** Sequence of the newest decision whose version's tag in the registry is set. */
  tagged: z.int().default(0),
  /** Of the ledger's newest entries when they were last recorded. */
  ledger: z.string().default(""),
});
type Progress = z.infer<typeof Progress>;

/** The registry's tag with the head of the trail, on each version that was decided about: `<sequence> <hash>`. */
export const auditHeadTag = "slipway.audit.head";

/** Only the newest entries of a ledger still change. */
const ledgerWindow = 5;
/** How far back the ledger is read for what prod served when a trail begins. */
const startWindow = 100;

/**
 * Records what happened to a model in its audit trail, and anchors the trail's head outside the store. Every call repairs
 * what an earlier one left undone. A failure is a warning and no error: neither a decision nor a rollback waits for it, and
 * the sweep records the fact later.
 */
export const createAuditRecorder = ({
  store,
  anchors,
  registry,
  clock,
  warn,
}: {
  readonly store: Store;
  readonly anchors: Pick<Anchors, "put">;
  /** Absent in a function without access to the registry: the sweep sets the tags. */
  readonly registry?: Pick<Registry, "setTags">;
  readonly clock: () => number;
  readonly warn: LogWarning;
}) => {
  const trail = createAuditTrail({ store, clock });
  const readFacts = readDeliveryFacts({ store, clock });
  const ledger = createLedger({ store });
  const approvals = createApprovalReader({ store });

  const readProgress = async (model: string): Promise<Progress> =>
    Progress.parse((await store.get(auditKeys.progress(model)))?.value ?? {});
  const writeProgress = async (model: string, changes: Partial<Progress>): Promise<void> => {
    await store.put(auditKeys.progress(model), { ...(await readProgress(model)), ...changes });
  };

  /** The first entry says since when there is a trail, and what is not in it. */
  const startTrail = async (model: string, delivery: string): Promise<void> => {
    if (await trail.readHead(model)) return;
    const entries = await ledger.entries("prod", model, startWindow);
    const older = entries.filter((entry) => entry.delivery !== delivery);
    const [newest] = older;
    const serving = older.find(({ status }) => status === "promoted");
    await trail.append(model, {
      fact: "trail started",
      delivery: null,
      version: null,
      at: new Date(clock()).toISOString(),
      kind: "trail-started",
      detail: {
        before:
          serving && newest
            ? { version: serving.version, digest: serving.digest, ledgerEntry: newest.sequence }
            : null,
      },
    });
  };

  const keepEvidence = async (model: string, { detail }: AuditFact): Promise<void> => {
    if (!("evidence" in detail)) return;
    const approval = await approvals.read(detail.approval);
    const evidence = approval && toEvidence(approval);
    // Changed since the facts were read: then the next recording has another question, with its evidence.
    if (evidence === undefined || hashJson(evidence) !== detail.evidence) return;
    await store.put(auditKeys.evidence(model, detail.evidence), evidence, {
      expect: "absent",
      permanent: true,
    });
  };

  const recordFacts = async (
    delivery: string,
    known?: Parameters<typeof readFacts>[1],
  ): Promise<string | undefined> => {
    const { model, ...facts } = await readFacts(delivery, known);
    const derived = deriveAuditFacts(facts);
    if (model === undefined || derived.length === 0) return undefined;
    const missing = await trail.findMissing(model, delivery, derived);
    if (missing.length > 0) await startTrail(model, delivery);
    for (const fact of missing) {
      await keepEvidence(model, fact);
      await trail.append(model, fact);
    }
    return model;
  };

  /** Puts the head outside the store. Throws the error of the place. */
  const putAnchor = async (model: string): Promise<void> => {
    const head = await trail.readHead(model);
    if (!head) return;
    const { sequence, hash } = head;
    const progress = await readProgress(model);
    if (progress.anchored < sequence) {
      await anchors.put({ model, sequence, hash });
      await writeProgress(model, { anchored: sequence });
    }
    if (!registry || progress.tagged >= sequence) return;
    const decision = await findNewestDecision(model);
    if (decision && decision.version !== null && decision.sequence > progress.tagged) {
      const tags = { [auditHeadTag]: `${sequence} ${hash}` };
      try {
        await registry.setTags(model, decision.version, tags);
      } catch (error) {
        // Somebody deleted the version: there is nothing to tag.
        if (!(error instanceof ModelVersionNotFound)) throw error;
      }
      await writeProgress(model, { tagged: decision.sequence });
    }
  };

  const findNewestDecision = async (model: string): Promise<AuditEntry | undefined> => {
    const { items } = await store.page({ partition: auditKeys.trail(model), order: "descending", limit: 25 });
    return items.map(({ value }) => AuditEntry.parse(value)).find(({ kind }) => kind === "decision");
  };

  const attempt = async (
    what: string,
    about: Parameters<LogWarning>[2],
    work: () => Promise<unknown>,
  ): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      warn(`${what}; the sweep tries again`, error, about);
      return false;
    }
  };

  const anchor = (model: string): Promise<boolean> =>
    attempt(`could not anchor the audit trail of ${model}`, { model }, () => putAnchor(model));

  return {
    /** Records everything that is stored about a delivery. False: a part is missing, and the log says why. */
    record: (delivery: string): Promise<boolean> =>
      attempt(`could not record ${delivery} in the audit trail`, { delivery }, () => recordFacts(delivery)),

    /** Puts the newest head of a trail outside the store. False: the log says why not. */
    anchor,

    /** Both, for the sweep. True: nothing about this delivery is missing, in the trail or outside the store. */
    settle: async (delivery: string): Promise<boolean> => {
      let model: string | undefined;
      const about = { delivery };
      const isRecorded = await attempt(`could not record ${delivery} in the audit trail`, about, async () => {
        model = await recordFacts(delivery);
      });
      return isRecorded && (model === undefined || (await anchor(model)));
    },

    /**
     * Records what changed prod without a delivery under way: a person's rollback, whose id is `delivery`. Without it what the
     * ledger has when the trail begins is from before the trail.
     */
    recordModel: async (model: string, delivery = ""): Promise<void> => {
      await attempt(`could not record the ledger of ${model} in the audit trail`, { model }, async () => {
        const entries = await ledger.entries("prod", model, ledgerWindow);
        const hash = hashJson(
          entries.map(({ shares, promotedAt, takenBackAt, sequence }) => ({
            shares,
            promotedAt,
            takenBackAt,
            sequence,
          })),
        );
        if ((await readProgress(model)).ledger === hash) return;
        const started = await findStart(model, delivery);
        for (const deployment of entries.toReversed())
          if (deployment.sequence > started) await recordFacts(deployment.delivery, { model, deployment });
        await writeProgress(model, { ledger: hash });
      });
    },
  };

  /** The last ledger entry from before the trail: it and those before it are not recorded later. */
  async function findStart(model: string, delivery: string): Promise<number> {
    if ((await ledger.entries("prod", model, 1)).length > 0) await startTrail(model, delivery);
    const first = await store.get(auditKeys.entry(model, 1));
    return first ? (TrailStart.parse(first.value).detail.before?.ledgerEntry ?? 0) : 0;
  }
};
export type AuditRecorder = ReturnType<typeof createAuditRecorder>;

const TrailStart = z.looseObject({
  detail: z.looseObject({ before: z.looseObject({ ledgerEntry: z.int() }).nullable() }),
});
