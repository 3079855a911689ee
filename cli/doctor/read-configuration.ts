import { findUnsetDigests } from "#terraform/find-unset-digests.ts";
import { type Accounts, ConfigInvalid, readConfig } from "#terraform/read-config.ts";
import { explainImageDigest } from "./explain-image-digest.ts";
import type { DoctorFinding } from "./finding.ts";

export type Configuration = {
  /** Undefined: the configuration is not usable yet. */
  readonly accounts: Accounts | undefined;
  readonly findings: readonly DoctorFinding[];
};

/** The account ids of the shipped configuration. */
export const shippedAccountIds: ReadonlySet<string> = new Set([
  "111111111111",
  "222222222222",
  "333333333333",
]);

/** The address of the shipped configuration that gets alarms. */
export const shippedAddress = "platform@example.com";

const findShippedAddress = ({ tooling }: Accounts): readonly DoctorFinding[] =>
  tooling.notifications.emails.some(({ address }) => address === shippedAddress)
    ? [
        {
          status: "warning",
          sentence: `tooling.notifications.emails still has ${shippedAddress}, the example that Slipway ships: nobody gets its alarms.`,
          remedy:
            "Write an address of yours there, or `slipway init aws --alarm-emails <address>`, and apply the stack `delivery`.",
        },
      ]
    : [];

/** Reads terraform/config.ts as far as it goes: its mistakes, and what nobody has filled in. */
export const readConfiguration = async (
  load: () => Promise<{ readonly config: unknown }> = () => import("#terraform/config.ts"),
): Promise<Configuration> => {
  let accounts: Accounts;
  try {
    accounts = readConfig((await load()).config);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const problems = error instanceof ConfigInvalid ? message.split("\n- ").slice(1) : [message];
    return {
      accounts: undefined,
      findings: problems.map((problem) => ({
        status: "missing",
        sentence: `terraform/config.ts is not usable: ${problem}`,
        remedy: "Correct it, or answer the questions of `slipway init aws`, which writes it.",
      })),
    };
  }
  const { tooling, stage, prod } = accounts;
  if ([tooling, stage, prod].some(({ account }) => shippedAccountIds.has(account)))
    return {
      accounts: undefined,
      findings: [
        {
          status: "missing",
          sentence: "terraform/config.ts has the account ids that Slipway ships: it is not filled in.",
          remedy: "Answer the questions of `slipway init aws`, which writes it.",
        },
      ],
    };
  return {
    accounts,
    findings: [
      ...findUnsetDigests(accounts).map(
        ({ name, sentence }): DoctorFinding =>
          name === "firstDigest"
            ? { status: "pending", sentence: `${sentence} Step 4 of docs/infrastructure.md gives it.` }
            : {
                status: "missing",
                sentence,
                remedy: explainImageDigest(name, tooling.images.architecture),
              },
      ),
      ...findShippedAddress(accounts),
    ],
  };
};
