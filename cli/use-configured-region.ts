import { STSClient } from "@aws-sdk/client-sts";
import { shippedAccountIds } from "./doctor/read-configuration.ts";

/**
 * All AWS clients of this process use the region of terraform/config.ts from now on, where neither the environment nor the
 * profile has one. The configuration that Slipway ships says nothing about an installation.
 */
export const useConfiguredRegion = async (
  load: () => Promise<{
    readonly config: { readonly tooling: { readonly account: string; readonly region: string } };
  }> = () => import("#terraform/config.ts"),
): Promise<void> => {
  const sts = new STSClient({});
  const region = await sts.config.region().catch(() => undefined);
  sts.destroy();
  if (region) return;
  // A damaged configuration has its own messages, in `slipway doctor`.
  const { account, region: configured } = (await load().catch(() => undefined))?.config.tooling ?? {};
  if (account && configured && !shippedAccountIds.has(account)) process.env.AWS_REGION = configured;
};
