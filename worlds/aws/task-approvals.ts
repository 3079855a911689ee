import { KMSClient } from "@aws-sdk/client-kms";
import { type Approvals, approvals } from "#domain/approval/approvals.ts";
import { kmsCipher } from "#platform/cipher/kms.ts";
import type { Deliveries } from "#platform/deliveries/deliveries.ts";
import type { Store } from "#platform/store/store.ts";
import type { Variables } from "./environment/environment-parts.ts";
import { log } from "./log.ts";

type Needs = {
  readonly env: Variables<"cipher">;
  readonly store: Store;
  readonly deliveries: Deliveries;
};

/**
 * The questions to humans, with their task tokens under the KMS key that the environment names. Which delivery a vote
 * is about is known only once its question was read: the log says it from then on.
 */
export const taskApprovals = ({ env, store, deliveries }: Needs): Approvals => {
  const cipher = kmsCipher({ client: new KMSClient({}), key: env.CIPHER_KEY });
  const questions = approvals({ store, deliveries, cipher });
  return {
    ...questions,
    vote: async (id, vote) => {
      const voted = await questions.vote(id, vote);
      if ("approval" in voted)
        log.appendKeys({
          delivery: voted.approval.delivery,
          model: voted.approval.model,
          vote: voted.result,
        });
      return voted;
    },
  };
};
