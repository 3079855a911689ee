import type { Environment, Serving } from "../platform/serving/serving.ts";
import type { Source } from "../platform/source/source.ts";
import { judgedBy } from "./committed-model.ts";
import { functionConfig } from "./function-config.ts";
import type { Deployment, Ledger } from "./ledger.ts";

export type Needs = {
  readonly serving: Readonly<Record<Environment, Serving>>;
  readonly source: Source;
  readonly ledger: Ledger;
};

/**
 * The function version that a deployment of prod's ledger has in an environment. Where someone deleted the function it
 * is made anew and the same image published there again; Lambda never uses a number twice, so the ledger learns the
 * new one. Throws NotServed where the image is gone, too.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html
 */
export const deployedVersion =
  ({ serving, source, ledger }: Needs) =>
  async (environment: Environment, deployment: Deployment): Promise<string> => {
    const { model, digest, commit } = deployment;
    const here = serving[environment];
    const entry =
      environment === "prod"
        ? deployment
        : await ledger.ofImage(environment, model, digest, deployment.version);
    const there = entry && (await here.version(model, entry.functionVersion));
    // Where functions count their versions anew, the number may be another image's by now: the image decides.
    if (there?.config.digest === digest) return there.version;
    await here.ensure(model);
    const { rules } = await judgedBy({ source })(model, commit, undefined, { promoted: true });
    const { version } = await here.publish(
      model,
      functionConfig({ ...deployment, environment, resources: rules.resources }),
    );
    if (entry)
      await ledger.change(entry, (current) =>
        current.functionVersion === version ? undefined : { ...current, functionVersion: version },
      );
    return version;
  };
