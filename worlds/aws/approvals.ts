import { KMSClient } from "@aws-sdk/client-kms";
import { type Approvals, createApprovals } from "#domain/approval/approvals.ts";
import { createKmsCipher } from "#platform/cipher/kms.ts";
import type { Store } from "#platform/store/store.ts";
import { createDeliveries } from "./deliveries.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";
import { log } from "./log.ts";

type Needs = {
  readonly env: GroupVariables<"cipher"> & GroupVariables<"deliveries">;
  readonly store: Store;
};

/**
 * The questions to humans, with their task tokens under the KMS key that the environment names. Which delivery a vote
 * is about is known only once its question was read: the log says it from then on.
 */
export const createAwsApprovals = ({ env, store }: Needs): Approvals => {
  const cipher = createKmsCipher({ client: new KMSClient({}), key: env.CIPHER_KEY });
  const questions = createApprovals({ store, deliveries: createDeliveries({ env }), cipher });
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
