import { once } from "node:events";
import { Command, Option } from "commander";
import { awsOptions, parsePort } from "#cli/options.ts";
import { print } from "#cli/print.ts";
import { createRegistryProxy } from "#cli/registry-proxy.ts";
import { useProfile } from "#cli/use-profile.ts";

/** `slipway registry`: MLflow's pages on this machine, asked for with the rights of the AWS profile in force. */
export const registryCommand = (): Command => {
  const command = new Command("registry")
    .description("MLflow's pages on this machine, asked for with your AWS profile's rights")
    .addOption(new Option("--port <port>", "where on 127.0.0.1").default(5_001).argParser(parsePort));
  for (const option of awsOptions()) command.addOption(option);
  return command.action(
    async ({ port, profile, outputs }: { port: number; profile?: string; outputs?: string }) => {
      useProfile(profile);
      const [{ STSClient }, { createSignedFetch }, { readAwsOutputs }] = await Promise.all([
        import("@aws-sdk/client-sts"),
        import("#platform/registry/signed-fetch.ts"),
        import("#cli/read-aws-outputs.ts"),
      ]);
      const { MLFLOW_URI: uri, MLFLOW_AUTH: auth } = await readAwsOutputs(outputs);
      // Asked nothing: it knows the profile's region and credentials.
      const client = new STSClient({});
      const region = await client.config.region();
      const asked =
        auth === "none"
          ? fetch
          : createSignedFetch({ fetch, region, credentials: client.config.credentials, clock: Date.now });
      const server = createRegistryProxy({ uri, fetch: asked }).listen(port, "127.0.0.1");
      await once(server, "listening");
      print(`MLflow: http://127.0.0.1:${port} (also as MLFLOW_TRACKING_URI); Ctrl-C ends it.`);
      await once(process, "SIGINT");
      server.close();
    },
  );
};
