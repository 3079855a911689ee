import { KMSClient } from "@aws-sdk/client-kms";
import { type Approvals, approvals } from "../domain/approvals.ts";
import { kmsCipher } from "../platform/cipher/kms.ts";
import type { Deliveries } from "../platform/deliveries/deliveries.ts";
import type { Store } from "../platform/store/store.ts";
import type { Variables } from "./environment-parts.ts";

type Needs = {
  readonly env: Variables<"cipher">;
  readonly store: Store;
  readonly deliveries: Deliveries;
};

/** The questions to humans, with their task tokens under the KMS key that the environment names. */
export const taskApprovals = ({ env, store, deliveries }: Needs): Approvals =>
  approvals({ store, deliveries, cipher: kmsCipher({ client: new KMSClient({}), key: env.CIPHER_KEY }) });
