import { KMSClient } from "@aws-sdk/client-kms";
import { type Approvals, createApprovals, type VoteResult } from "#domain/approval/approvals.ts";
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
  const nameInLog = <Result extends VoteResult | undefined>(result: Result): Result => {
    if (result && "approval" in result) {
      const { delivery, model } = result.approval;
      log.appendKeys({ delivery, model, vote: result.result });
    }
    return result;
  };
  return {
    ...approvals,
    read: async (id) => {
      const approval = await approvals.read(id);
      if (approval) log.appendKeys({ delivery: approval.delivery, model: approval.model });
      return approval;
    },
    vote: async (id, vote) => nameInLog(await approvals.vote(id, vote)),
    click: async (id, vote) => nameInLog(await approvals.click(id, vote)),
    judge: async (id, vote, voter) => nameInLog(await approvals.judge(id, vote, voter)),
  };
};
