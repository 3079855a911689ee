import * as z from "zod";
import { createApprovalReader } from "#domain/approval/approval-records.ts";
import { createFreezes, everyModel } from "#domain/changes/freezes.ts";
import type { LogWarning } from "#domain/delivery/log-warning.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import type { Anchors } from "#platform/anchors/anchors.ts";
import { ModelVersionNotFound, type Registry } from "#platform/registry/registry.ts";
import { readPages, type Store } from "#platform/store/store.ts";
import { AuditEntry, type AuditFact, auditKeys, hashJson } from "./audit-entry.ts";
import { createAuditTrail } from "./audit-trail.ts";
import { deriveAuditFacts, toEvidence } from "./derive-audit-facts.ts";
import { deriveFreezeFacts } from "./derive-freeze-facts.ts";
import { auditHeadTag } from "./head-tag.ts";
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

const dayMs = 86_400_000;
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
  const freezes = createFreezes({ store, clock });

  const readProgress = async (model: string): Promise<Progress> => {
    const item = await store.get(auditKeys.progress(model));
    // It proves nothing, so an unreadable one counts as none.
    return Progress.safeParse(item?.value).data ?? Progress.parse({});
  };
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
    if (missing.length > 0) {
      await startTrail(model, delivery);
      await recordFreezes(model);
    }
    for (const fact of missing) {
      await keepEvidence(model, fact);
      await trail.append(model, fact);
    }
    return model;
  };

  /** A freeze of all models is in the trail of each, so that a trail alone says what held its model. */
  const recordFreezes = async (model: string): Promise<void> => {
    const first = await store.get(auditKeys.entry(model, 1));
    if (!first) return;
    const history = [...(await freezes.history(everyModel)), ...(await freezes.history(model))];
    const facts = deriveFreezeFacts(history, Date.parse(TrailStart.parse(first.value).at));
    if (facts.length === 0) return;
    for (const fact of await trail.findMissing(model, null, facts)) await trail.append(model, fact);
  };

  /** Models whose trail has been recorded or anchored. */
  const listModels = async (): Promise<readonly string[]> => {
    const models: string[] = [];
    const query = { ...auditKeys.allProgress, order: "ascending", limit: 1_000 } as const;
    for await (const items of readPages(store, query)) models.push(...items.map(({ key }) => key.sort));
    return models;
  };

  /** Puts the head outside the store. Throws the error of the place. */
  const putAnchor = async (model: string): Promise<void> => {
    const head = await trail.readHead(model);
    if (!head) return;
    const { sequence, hash } = head;
    const progress = await readProgress(model);
    // Also where the progress is ahead of the trail: somebody changed one of them.
    if (progress.anchored !== sequence) {
      await anchors.put({ model, sequence, hash });
      await writeProgress(model, { anchored: sequence });
    }
    const tagged = progress.tagged > sequence ? 0 : progress.tagged;
    if (!registry || tagged === sequence) return;
    const decision = await findNewestDecision(model, tagged);
    if (decision && decision.version !== null) {
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

  /** Undefined: there is none after the entry `since`. */
  const findNewestDecision = async (model: string, since: number): Promise<AuditEntry | undefined> => {
    const query = { partition: auditKeys.trail(model), order: "descending", limit: 25 } as const;
    for await (const items of readPages(store, query))
      for (const { value } of items) {
        const entry = AuditEntry.parse(value);
        if (entry.sequence <= since) return undefined;
        if (entry.kind === "decision") return entry;
      }
    return undefined;
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

    /** Models with a trail. */
    models: listModels,

    /** Records the freezes of a model, or of all models in the trail of each, and anchors these trails. */
    recordFreezes: async (scope: string): Promise<void> => {
      await attempt("could not record a freeze in the audit trails", {}, async () => {
        for (const model of scope === everyModel ? await listModels() : [scope]) {
          await recordFreezes(model);
          await anchor(model);
        }
      });
    },

    /**
     * Records what changed or closed prod without a delivery under way: a person's rollback, whose id is `delivery`, and
     * freezes. Without it what the ledger has when the trail begins is from before the trail.
     */
    recordModel: async (model: string, delivery = ""): Promise<void> => {
      await attempt(`could not record the ledger of ${model} in the audit trail`, { model }, async () => {
        const entries = await ledger.entries("prod", model, ledgerWindow);
        const hash = hashJson([
          // Once a day the progress does not count, in case somebody changed it.
          Math.floor(clock() / dayMs),
          ...entries.map(({ shares, promotedAt, takenBackAt, sequence }) => ({
            shares,
            promotedAt,
            takenBackAt,
            sequence,
          })),
        ]);
        if ((await readProgress(model)).ledger === hash) return recordFreezes(model);
        const started = await findStart(model, delivery);
        for (const deployment of entries.toReversed())
          if (deployment.sequence > started) await recordFacts(deployment.delivery, { model, deployment });
        // The trail may have begun just now.
        await recordFreezes(model);
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
  at: z.string(),
  detail: z.looseObject({ before: z.looseObject({ ledgerEntry: z.int() }).nullable() }),
});
