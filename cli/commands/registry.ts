import { once } from "node:events";
import { Command, Option } from "commander";
import * as z from "zod";
import { outputsParameter } from "../../lambdas/aws-outputs.ts";
import { parts } from "../../lambdas/environment-parts.ts";
import { portArgument } from "../options.ts";
import { print } from "../print.ts";
import { registryProxy } from "../registry-proxy.ts";

const Outputs = z.object(parts.registry);

/** `slipway registry`: MLflow's pages on this machine, asked for with the rights of the AWS profile in force. */
export const registryCommand = (): Command =>
  new Command("registry")
    .description("MLflow's pages on this machine, asked for with your AWS profile's rights")
    .addOption(new Option("--port <port>", "where on 127.0.0.1").default(5_001).argParser(portArgument))
    .action(async (options: { port: number }) => {
      const [{ GetParameterCommand, SSMClient }, { signedFetch }] = await Promise.all([
        import("@aws-sdk/client-ssm"),
        import("../../platform/registry/signed-fetch.ts"),
      ]);
      const client = new SSMClient({});
      const { Parameter } = await client.send(new GetParameterCommand({ Name: outputsParameter }));
      const { MLFLOW_URI: uri, MLFLOW_AUTH: auth } = Outputs.parse(JSON.parse(Parameter?.Value ?? "{}"));
      const region = await client.config.region();
      const asked =
        auth === "none"
          ? fetch
          : signedFetch({ fetch, region, credentials: client.config.credentials, clock: Date.now });
      const server = registryProxy({ uri, fetch: asked }).listen(options.port, "127.0.0.1");
      await once(server, "listening");
      print(`MLflow: http://127.0.0.1:${options.port} (also as MLFLOW_TRACKING_URI); Ctrl-C ends it.`);
      await once(process, "SIGINT");
      server.close();
    });
