import { once } from "node:events";
import { Command, Option } from "commander";
import { exitCode } from "#cli/exit-code.ts";
import { awsOnlyOptions, jsonOption, parsePort } from "#cli/options.ts";
import { print } from "#cli/print.ts";
import { showProgress } from "#cli/progress.ts";
import { createRegistryProxy } from "#cli/registry-proxy.ts";
import { useProfile } from "#cli/use-profile.ts";

type Options = {
  readonly port: number;
  readonly profile?: string;
  readonly outputs?: string;
  readonly json?: boolean;
};

/** `slipway registry`: serves MLflow's pages on this machine, with the rights of the AWS profile. */
export const registryCommand = (): Command => {
  const command = new Command("registry")
    .description("serve MLflow's pages on this machine, with your AWS profile's rights")
    .addOption(new Option("--port <port>", "the port on 127.0.0.1").default(5_001).argParser(parsePort));
  for (const option of [...awsOnlyOptions(), jsonOption("one line with the URL, once it listens")])
    command.addOption(option);
  return command.action(async ({ port, profile, outputs, json }: Options) => {
    useProfile(profile);
    showProgress("Reading from AWS");
    const [{ STSClient }, { createSignedFetch }, { readAwsOutputs }] = await Promise.all([
      import("@aws-sdk/client-sts"),
      import("#platform/registry/signed-fetch.ts"),
      import("#cli/read-aws-outputs.ts"),
    ]);
    const { MLFLOW_URI: uri, MLFLOW_AUTH: auth } = await readAwsOutputs(outputs);
    // It sends no request; it only resolves the profile's region and credentials.
    const client = new STSClient({});
    const region = await client.config.region();
    const registryFetch =
      auth === "none"
        ? fetch
        : createSignedFetch({ fetch, region, credentials: client.config.credentials, clock: Date.now });
    const server = createRegistryProxy({ uri, fetch: registryFetch }).listen(port, "127.0.0.1");
    await once(server, "listening");
    if (json) print(JSON.stringify({ url: `http://127.0.0.1:${port}` }));
    else print(`MLflow: http://127.0.0.1:${port} (works as MLFLOW_TRACKING_URI too). Stop it with Ctrl-C.`);
    await once(process, "SIGINT");
    process.exitCode = exitCode.interrupted;
    server.close();
  });
};
