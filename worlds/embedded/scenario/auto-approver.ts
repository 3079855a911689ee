import { z } from "zod";
import type { EmbeddedWorld } from "#worlds/embedded/start-embedded-world.ts";
import type { World } from "#worlds/embedded/world.ts";

/** The desk refused, or its callback did. */
export class ClickFailed extends Error {
  override readonly name = "ClickFailed";
}

/** How often a click is made that the desk gave up on. */
const maxClickAttempts = 4;

const ClickResponse = z.object({
  status: z.string(),
  notice: z.string().optional(),
  errors: z.record(z.string(), z.string()).optional(),
});

/**
 * Answers a delivery's question as an allowed approver would: by the desk's own page requests, so through the signed
 * callback and everything behind it.
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
    const answer = ClickResponse.parse(await response.json());
    if (!response.ok || answer.status === "failed" || answer.status === "refused")
      throw new ClickFailed(
        answer.notice ??
          Object.values(answer.errors ?? {}).join(" ") ??
          `the desk answered ${response.status}`,
      );
  };
  const question = async (delivery: string) => {
    const posted = await world.messages.posted(delivery);
    const approval = (await world.approvals.open()).find((open) => open.delivery === delivery);
    const approver = approval?.rule.approvers[0];
    if (!posted || !approver) throw new ClickFailed(`no question of ${delivery} stands on the desk`);
    return { ts: posted.ts, as: approver };
  };
  /** A refusal is whispered to the person; the question then still stands. */
  const mustBeDecided = async (delivery: string, as: string) => {
    const open = (await world.approvals.open()).find((approval) => approval.delivery === delivery);
    if (open?.state.status === "pending" && open.rule.quorum === 1)
      throw new ClickFailed(`the answer of ${as} was not taken: the desk (${url}/) says why`);
  };
  const approve = async (delivery: string): Promise<void> => {
    const { ts, as } = await question(delivery);
    await post("/desk/clicks", { as, ts, block: "decision", action: "approve" });
    await mustBeDecided(delivery, as);
  };
  const reject = async (delivery: string, reason: string): Promise<void> => {
    const { ts, as } = await question(delivery);
    await post("/desk/clicks", { as, ts, block: "decision", action: "reject" });
    const view = openView(as);
    if (!view) throw new ClickFailed("the dialog that asks for the reason did not open");
    await post(`/desk/views/${view}`, { as, typed: { reason } });
    await mustBeDecided(delivery, as);
  };

  /** On a busy machine Slack's three seconds may pass, or a dialog's: then a person looks, and clicks again where it was not taken. */
  const untilTaken = async (delivery: string, click: () => Promise<void>): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await click();
      } catch (fault) {
        const stands = (await world.approvals.open()).some(
          (open) => open.delivery === delivery && open.state.status === "pending",
        );
        if (attempt > 1 && !stands) return;
        if (
          attempt === maxClickAttempts ||
          !(fault instanceof ClickFailed) ||
          !/timed out|status code 5\d\d/.test(fault.message)
        )
          throw fault;
      }
    }
  };
  return {
    approve: (delivery: string): Promise<void> => untilTaken(delivery, () => approve(delivery)),
    reject: (delivery: string, reason: string): Promise<void> =>
      untilTaken(delivery, () => reject(delivery, reason)),
  };
};
