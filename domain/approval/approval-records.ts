import { createHash } from "node:crypto";
import * as z from "zod";
import { Check } from "#domain/gates/verdict.ts";
import { Provenance } from "#domain/provenance/verified-provenance.ts";
import { ApprovalRule } from "#model-folder/manifest/manifest.ts";
import type { Store } from "#platform/store/store.ts";
import { ApprovalDecision } from "./decision.ts";
import { BoundContributors } from "./resolve-approvers.ts";

const Voter = z.object({ user: z.string(), name: z.string(), at: z.string() });

/** Where a question stands. Only these moves exist: pending → decided → sent, and pending → withdrawn. */
const State = z.discriminatedUnion("status", [
  z.object({ status: z.literal("pending"), votes: z.array(Voter) }),
  z.object({ status: z.literal("decided"), decision: ApprovalDecision }),
  z.object({ status: z.literal("sent"), decision: ApprovalDecision }),
  /** `told`: the task that waited knows; until then the next withdrawal, or the sweep, tells it. */
  z.object({ status: z.literal("withdrawn"), why: z.string(), told: z.boolean().default(true) }),
]);

/** What the approvers were shown when they were asked: they approve this, and nothing measured later. */
const Evidence = z.object({
  /** What prod served when the checks were measured; null: nothing yet. */
  champion: z.string().nullable(),
  /** Rules and yardsticks that this very commit changes. */
  changed: z.array(z.string()),
  checks: z.array(Check),
  /** How the image was built, as verified; absent or null where nothing was. */
  provenance: Provenance.nullish(),
  omitted: z.array(z.object({ name: z.string(), why: z.string() })),
});

export const Approval = z.object({
  id: z.string(),
  /** What exactly is approved: another digest, version, prod baseline or fence is another question. */
  delivery: z.string(),
  model: z.string(),
  commit: z.string(),
  digest: z.string(),
  version: z.int().positive(),
  baseline: z.int().min(0),
  fence: z.int().positive(),
  author: z.object({ name: z.string(), email: z.string() }),
  pusher: z.string().nullable(),
  /** Who made the change; null in records from before these were kept. */
  contributors: BoundContributors.nullable().default(null),
  /** The quorum is already raised by one for each contributor who is mapped to nobody. */
  rule: ApprovalRule.extend({ quorum: z.int().min(1) }),
  /** By how much it is raised. Absent in records from before this was kept: then by one for each. */
  raisedBy: z.int().min(0).optional(),
  evidence: Evidence.default({ champion: null, changed: [], checks: [], omitted: [] }),
  askedAt: z.int(),
  /** Epoch milliseconds after which no vote counts: a minute before the waiting task times out. */
  expiresAt: z.int(),
  /** The task token, encrypted; the newest one, when the question was asked again. Null once nobody waits for it. */
  token: z.string().nullable(),
  state: State,
});
export type Approval = z.infer<typeof Approval>;

/** Decisions that were kept before they named their artefact are about the question's. */
export const parseApproval = (value: unknown): Approval => {
  const old = ApprovalWithDecision.safeParse(value);
  if (!old.success) return Approval.parse(value);
  const { digest, version, state } = old.data;
  return Approval.parse({
    ...old.data,
    state: { ...state, decision: { digest, version, ...state.decision } },
  });
};
const ApprovalWithDecision = z.looseObject({
  digest: z.string(),
  version: z.int(),
  state: z.looseObject({ decision: z.looseObject({}) }),
});

/** Which questions a delivery has asked, oldest first. */
export const DeliveryQuestions = z.object({ approvals: z.array(z.string()) });

/** The same delivery asking about the same prod is the same question; prod changed: another one. */
export const deriveApprovalId = ({
  model,
  delivery,
  baseline,
}: Pick<Approval, "model" | "delivery" | "baseline">): string =>
  `${model}~${createHash("sha256").update(`${delivery}\n${baseline}`).digest("hex").slice(0, 24)}`;

export const toApprovalKey = (id: string) => ({ partition: "approvals", sort: id });
export const toQuestionsKey = (delivery: string) => ({ partition: "questions", sort: delivery });

/** The questions as they are kept, for whoever only reads them: no key of task tokens is needed. */
export const createApprovalReader = ({ store }: { store: Pick<Store, "get"> }) => {
  const read = async (id: string): Promise<Approval | undefined> => {
    const item = await store.get(toApprovalKey(id));
    return item && parseApproval(item.value);
  };
  /** Ids of the questions that a delivery has asked, oldest first. */
  const asked = async (delivery: string): Promise<readonly string[]> => {
    const item = await store.get(toQuestionsKey(delivery));
    return item ? DeliveryQuestions.parse(item.value).approvals : [];
  };
  return {
    read,
    asked,
    /** Every question of a delivery, oldest first. */
    ofDelivery: async (delivery: string): Promise<readonly Approval[]> => {
      const found: Approval[] = [];
      for (const id of await asked(delivery)) {
        const approval = await read(id);
        if (approval) found.push(approval);
      }
      return found;
    },
  };
};
export type ApprovalReader = ReturnType<typeof createApprovalReader>;
