import { z } from "zod";
import type { EmbeddedWorld } from "#worlds/embedded/start-embedded-world.ts";
import type { World } from "#worlds/embedded/world.ts";

/** The desk or its callback refused a click. */
export class ClickFailed extends Error {
  override readonly name = "ClickFailed";
}

/** Attempts for a click that times out. */
const maxClickAttempts = 4;

const ClickResponse = z.object({
  status: z.string(),
  notice: z.string().optional(),
  errors: z.record(z.string(), z.string()).optional(),
});

/**
 * Approves or rejects a delivery as an approver does: with the requests of the desk's page, and so through the signed
 * callback.
 */
export const createAutoApprover = ({
  url,
  world,
  openView,
}: Pick<EmbeddedWorld, "url" | "openView"> & { readonly world: Pick<World, "messages" | "approvals"> }) => {
  const post = async (path: string, body: object) => {
    const response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: url },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(60_000),
    });
    const result = ClickResponse.parse(await response.json());
    if (!response.ok || result.status === "failed" || result.status === "refused")
      throw new ClickFailed(
        result.notice ??
          Object.values(result.errors ?? {}).join(" ") ??
          `the desk returned status ${response.status}`,
      );
  };
  const findQuestion = async (delivery: string) => {
    const posted = await world.messages.posted(delivery);
    const approval = (await world.approvals.open()).find((open) => open.delivery === delivery);
    const approver = approval?.rule.approvers[0];
    if (!posted || !approver) throw new ClickFailed(`the desk shows no open approval of ${delivery}`);
    return { ts: posted.ts, as: approver, model: approval.model };
  };
  /** The desk shows a refusal only to the clicking person, so check that the approval is no longer open. */
  const assertDecided = async (delivery: string, as: string) => {
    const open = (await world.approvals.open()).find((approval) => approval.delivery === delivery);
    if (open?.state.status === "pending" && open.rule.quorum === 1 && !open.postponed)
      throw new ClickFailed(`the decision of ${as} was refused: the desk (${url}/) shows the reason`);
  };
  const approve = async (delivery: string): Promise<void> => {
    const { ts, as, model } = await findQuestion(delivery);
    // A rejection that was interrupted leaves its dialog open.
    const earlier = openView(as);
    await post("/desk/clicks", { as, ts, block: "decision", action: "approve" });
    // Checks are inconclusive.
    const view = openView(as);
    if (view && view !== earlier) await post(`/desk/views/${view}`, { as, typed: { confirmation: model } });
    await assertDecided(delivery, as);
  };
  const reject = async (delivery: string, reason: string): Promise<void> => {
    const { ts, as } = await findQuestion(delivery);
    await post("/desk/clicks", { as, ts, block: "decision", action: "reject" });
    const view = openView(as);
    if (!view) throw new ClickFailed("the dialog for the reason did not open");
    await post(`/desk/views/${view}`, { as, typed: { reason } });
    await assertDecided(delivery, as);
  };

  /** Retries a click that timed out after Slack's 3 s, which happens on a busy machine, unless the decision arrived. */
  const retryClick = async (delivery: string, click: () => Promise<void>): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await click();
      } catch (error) {
        const isOpen = (await world.approvals.open()).some(
          (open) => open.delivery === delivery && open.state.status === "pending",
        );
        if (attempt > 1 && !isOpen) return;
        if (
          attempt === maxClickAttempts ||
          !(error instanceof ClickFailed) ||
          !/timed out|status code 5\d\d/.test(error.message)
        )
          throw error;
      }
    }
  };
  return {
    approve: (delivery: string): Promise<void> => retryClick(delivery, () => approve(delivery)),
    reject: (delivery: string, reason: string): Promise<void> =>
      retryClick(delivery, () => reject(delivery, reason)),
  };
};
