import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { STSClient } from "@aws-sdk/client-sts";
import { assumeRole } from "#platform/serving/assume-role.ts";
import type { Accounts } from "#terraform/read-config.ts";
import { createRole } from "#test/peers/create-role.ts";
import { motoClientConfig } from "#test/peers/moto.ts";

/** Credentials of a person in an account. */
export type Person = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
};

const motoAccount = "123456789012";

/** Credentials of a person in each account, by an assumed role: moto reads the account from the role. */
const createPeople = async (endpoint: string, accounts: Accounts) => {
  const externalId = "a person";
  const sts = new STSClient(motoClientConfig(endpoint));
  const inAccount = async (name: keyof Accounts): Promise<Person> => {
    const { account } = accounts[name];
    const roleArn = await createRole(endpoint, account, `person-${name}`, {
      account: motoAccount,
      externalId,
    });
    return assumeRole({ sts, roleArn, externalId, session: name, clock: Date.now })();
  };
  const [tooling, stage, prod] = [
    await inAccount("tooling"),
    await inAccount("stage"),
    await inAccount("prod"),
  ];
  return { tooling, stage, prod };
};

/** AWS's configuration file with a profile for each account, named as in docs/infrastructure.md. */
const formatAwsConfig = (people: Awaited<ReturnType<typeof createPeople>>, accounts: Accounts): string =>
  (["tooling", "stage", "prod"] as const)
    .map((name) => {
      const { accessKeyId, secretAccessKey, sessionToken } = people[name];
      return [
        `[profile ${name}]`,
        `region = ${accounts[name].region}`,
        `aws_access_key_id = ${accessKeyId}`,
        `aws_secret_access_key = ${secretAccessKey}`,
        `aws_session_token = ${sessionToken}`,
      ].join("\n");
    })
    .join("\n\n");

/**
 * A person with rights in each of the configuration's accounts, and the environment variables with which programs find
 * them as the profiles `tooling`, `stage` and `prod`, on moto. `folder`: where the configuration file goes.
 */
export const createAccountProfiles = async (endpoint: string, accounts: Accounts, folder: string) => {
  const people = await createPeople(endpoint, accounts);
  const configuration = join(folder, "config");
  await writeFile(configuration, formatAwsConfig(people, accounts));
  return {
    people,
    surroundings: {
      AWS_CONFIG_FILE: configuration,
      AWS_SHARED_CREDENTIALS_FILE: configuration,
      AWS_ENDPOINT_URL: endpoint,
      AWS_EC2_METADATA_DISABLED: "true",
    },
  };
};
