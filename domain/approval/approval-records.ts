import { createHash } from "node:crypto";
import * as z from "zod";
import { Comparison } from "#domain/gates/comparison.ts";
import { Check, Omission } from "#domain/gates/verdict.ts";
import { Provenance } from "#domain/provenance/verified-provenance.ts";
import { ApprovalRule } from "#model-folder/manifest/manifest.ts";
import { SourceLink } from "#platform/source/source.ts";
import type { Store } from "#platform/store/store.ts";
import { AnswerOrigin } from "./answer-origin.ts";
import { BreakGlass } from "./break-glass.ts";
import { ApprovalDecision } from "./decision.ts";
import { EarlierRejection } from "./earlier-rejection.ts";
import { BoundContributors } from "./resolve-approvers.ts";

const Voter = ApprovalDecision.shape.by.element.extend({
  ...AnswerOrigin.shape,
  /** Whose account it is (identify-voter.ts), where more than one approval is needed. Absent: not asked, or an old record. */
  person: z.string().optional(),
});
export type Voter = z.infer<typeof Voter>;
const RecordedDecision = ApprovalDecision.extend({ by: z.array(Voter) });

/** A vote whose voter's address was unknown at the click. It counts for nothing until it is judged. */
const PostponedVote = z.object({
  user: z.string(),
  name: z.string(),
  verdict: z.enum(["approved", "rejected"]),
  reason: z.string().nullable(),
  /** What its voter typed because checks are inconclusive; absent: nothing. */
  confirmation: z.string().optional(),
  /** Epoch milliseconds of the click. */
  at: z.int(),
  ...AnswerOrigin.shape,
});
export type PostponedVote = z.infer<typeof PostponedVote>;

/** Only these transitions exist: pending → decided → sent, and pending → withdrawn. */
const State = z.discriminatedUnion("status", [
  z.object({ status: z.literal("pending"), votes: z.array(Voter) }),
  z.object({ status: z.literal("decided"), decision: RecordedDecision }),
  z.object({ status: z.literal("sent"), decision: RecordedDecision }),
  /** `told`: the waiting task has received the error. Until then the next withdrawal, or the sweep, sends it. */
  z.object({ status: z.literal("withdrawn"), why: z.string(), told: z.boolean().default(true) }),
]);

/** What the approvers saw: they approve this, and nothing measured later. */
const Evidence = z.object({
  /** What prod served when the checks were measured; null: no champion yet. */
  champion: z.string().nullable(),
  championVersion: z.int().nullish(),
  /** Rules that this commit loosens, and privileged files that it changes; in old records also `renewed`. */
  changed: z.array(z.string()),
  /** New truth and golden vectors. Absent, like the rest that is optional here, in old records. */
  renewed: z.array(z.string()).optional(),
  /** The address of the manifest's owner. */
  owner: z.string().optional(),
  /** Of the commit; unverified, like its author. */
  subject: z.string().optional(),
  /** `diff`: against the commit that prod serves; null: none. */
  links: z.object({ commit: SourceLink, diff: SourceLink.nullable() }).optional(),
  /** What follows an approval; null: all traffic at once, because nothing serves prod. */
  rollout: z.object({ steps: z.array(z.number()), bake: z.string() }).nullish(),
  checks: z.array(Check),
  /** How the image was built; absent or null where no provenance was verified. */
  provenance: Provenance.nullish(),
  omitted: z.array(Omission),
  comparisons: z.array(Comparison).optional(),
  /** True: stage and prod share an account. Absent otherwise. */
  trial: z.boolean().optional(),
  /** What approvers said of this commit in an earlier delivery; absent: nobody rejected it. */
  rejectedBefore: EarlierRejection.optional(),
});

/** The step of an inconclusive canary that the approvers are asked about. */
const CanaryQuestion = z.object({
  step: z.int().min(0),
  /** Percent of prod's traffic that the new version gets while they decide. */
  percent: z.number(),
});

export const Approval = z.object({
  id: z.string(),
  /** What exactly is approved: another digest, version, prod baseline or fence needs another approval. */
  delivery: z.string(),
  model: z.string(),
  commit: z.string(),
  digest: z.string(),
  version: z.int().positive(),
  baseline: z.int().min(0),
  fence: z.int().positive(),
  author: z.object({ name: z.string(), email: z.string() }),
  pusher: z.string().nullable(),
  /** Null in old records. */
  contributors: BoundContributors.nullable().default(null),
  /** The quorum includes one extra approval for each contributor who is not mapped to a person. */
  rule: ApprovalRule.extend({ approvers: z.array(z.string()), quorum: z.int().min(1) }),
  /** The number of extra approvals. Absent in old records: then one for each unmapped contributor. */
  raisedBy: z.int().min(0).optional(),
  evidence: Evidence.default({ champion: null, changed: [], checks: [], omitted: [] }),
  /** Null: whether the version may go to prod. Otherwise whether its canary, which proved nothing, may go on. */
  canary: CanaryQuestion.nullable().default(null),
  askedAt: z.int(),
  /** Epoch milliseconds after which no vote counts: a minute before the waiting task times out. */
  expiresAt: z.int(),
  /** The newest task token, encrypted. Null once no task waits. */
  token: z.string().nullable(),
  state: State,
  /** Who let the delivery change prod although it was closed; absent: nobody. */
  breakGlass: BreakGlass.optional(),
  /** Who asked for that and waits until Slack says whether they may; at most one for each approver, absent: nobody. */
  postponedGlass: z.array(BreakGlass).optional(),
  /** At most one for each approver; absent: none. */
  postponed: z.array(PostponedVote).optional(),
});
export type Approval = z.infer<typeof Approval>;

/** Old decisions do not name their artefact: it is the approval's. */
export const parseApproval = (value: unknown): Approval => {
  const decided = ApprovalWithDecision.safeParse(value);
  if (!decided.success) return Approval.parse(value);
  const { digest, version, state } = decided.data;
  return Approval.parse({
    ...decided.data,
    state: { ...state, decision: { digest, version, ...state.decision } },
  });
};
const ApprovalWithDecision = z.looseObject({
  digest: z.string(),
  version: z.int(),
  state: z.looseObject({ decision: z.looseObject({}) }),
});

/** Ids of the approvals that a delivery has requested, oldest first. */
export const DeliveryQuestions = z.object({ approvals: z.array(z.string()) });

/** A delivery has one approval for each state of prod, and one for each step of its canary: a retry finds it again. */
export const deriveApprovalId = ({
  model,
  delivery,
  baseline,
  canary = null,
}: Pick<Approval, "model" | "delivery" | "baseline"> & Partial<Pick<Approval, "canary">>): string => {
  const subject = `${delivery}\n${baseline}${canary === null ? "" : `\ncanary step ${canary.step}`}`;
  return `${model}~${createHash("sha256").update(subject).digest("hex").slice(0, 24)}`;
};

export const toApprovalKey = (id: string) => ({ partition: "approvals", sort: id });
export const toQuestionsKey = (delivery: string) => ({ partition: "questions", sort: delivery });

/** Reads approvals without the key of the task tokens. */
export const createApprovalReader = ({ store }: { store: Pick<Store, "get"> }) => {
  const read = async (id: string): Promise<Approval | undefined> => {
    const item = await store.get(toApprovalKey(id));
    return item && parseApproval(item.value);
  };
  const listIds = async (delivery: string): Promise<readonly string[]> => {
    const item = await store.get(toQuestionsKey(delivery));
    return item ? DeliveryQuestions.parse(item.value).approvals : [];
  };
  return {
    read,
    /** Ids of the approvals that a delivery has requested, oldest first. */
    asked: listIds,
    /** Every approval of a delivery, oldest first. */
    ofDelivery: async (delivery: string): Promise<readonly Approval[]> => {
      const approvals: Approval[] = [];
      for (const id of await listIds(delivery)) {
        const approval = await read(id);
        if (approval) approvals.push(approval);
      }
      return approvals;
    },
  };
};
export type ApprovalReader = ReturnType<typeof createApprovalReader>;
