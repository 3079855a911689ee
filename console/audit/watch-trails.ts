import type { AuditTrail } from "./audit-trail.ts";

/** A trail that does not hold, or that could not be read. */
export type TrailProblem = { readonly model: string; readonly problem: "broken" | "unreadable" };

type Watch = {
  readonly readAudit: (model: string) => Promise<Pick<AuditTrail, "verification"> | undefined>;
  /** Epoch milliseconds. */
  readonly now: () => number;
};

const maxAgeMs = 10 * 60_000;
/** To verify a trail is to read all of it, so a page waits for few. */
const maxVerified = 5;

/**
 * Which of the models' audit trails do not hold, by their last verification. Each call verifies those that were not verified
 * for ten minutes, the oldest five; so pages that are asked again and again come round to each.
 */
export const watchTrails = ({ readAudit, now }: Watch) => {
  const verified = new Map<
    string,
    { readonly at: number; readonly problem: TrailProblem["problem"] | null }
  >();
  const verify = async (model: string): Promise<TrailProblem["problem"] | null> => {
    try {
      return (await readAudit(model))?.verification.status === "broken" ? "broken" : null;
    } catch {
      // The page of the trail itself shows the error.
      return "unreadable";
    }
  };
  const findAge = (model: string): number => verified.get(model)?.at ?? Number.NEGATIVE_INFINITY;
  return async (models: readonly string[]): Promise<readonly TrailProblem[]> => {
    const at = now();
    const due = models
      .filter((model) => findAge(model) <= at - maxAgeMs)
      .toSorted((one, other) => (findAge(one) < findAge(other) ? -1 : 1))
      .slice(0, maxVerified);
    await Promise.all(due.map(async (model) => verified.set(model, { at, problem: await verify(model) })));
    return models.flatMap((model) => {
      const problem = verified.get(model)?.problem;
      return problem ? [{ model, problem }] : [];
    });
  };
};
