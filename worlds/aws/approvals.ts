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
 * The approvals, with their task tokens encrypted by the KMS key that the environment names. The delivery of a vote is
 * known only after its approval was read: from then on the log names it.
 */
export const createAwsApprovals = ({ env, store }: Needs): Approvals => {
  const cipher = createKmsCipher({ client: new KMSClient({}), key: env.CIPHER_KEY });
  const approvals = createApprovals({ store, deliveries: createDeliveries({ env }), cipher });
  return {
    ...approvals,
    vote: async (id, vote) => {
      const outcome = await approvals.vote(id, vote);
      if ("approval" in outcome)
        log.appendKeys({
          delivery: outcome.approval.delivery,
          model: outcome.approval.model,
          vote: outcome.result,
        });
      return outcome;
    },
  };
};
