import { ProdClosed } from "#domain/delivery/errors.ts";
import type { DeliveryMessages } from "#domain/message/delivery-messages.ts";
import { type CheckProdOpenDependencies, checkProdOpen } from "./check-prod-open.ts";

export type AssertProdOpenDependencies = CheckProdOpenDependencies & {
  readonly messages: Pick<DeliveryMessages, "show">;
};

/**
 * For a step that is about to give a version its first traffic: minutes have passed since the delivery claimed prod.
 * The message says why. Throws ProdClosed, with which the delivery
 * goes back to its claim and waits there.
 */
export const assertProdOpen =
  (needs: AssertProdOpenDependencies) =>
  async (request: Parameters<ReturnType<typeof checkProdOpen>>[0]): Promise<void> => {
    const access = await checkProdOpen(needs)(request);
    if (access.status === "open") return;
    await needs.messages.show(request.delivery);
    throw new ProdClosed(`prod closed before ${request.delivery} changed it: ${access.closure.why}`);
  };
