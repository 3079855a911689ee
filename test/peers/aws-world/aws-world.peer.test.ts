import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { personAtDesk } from "../../../rehearsal/person-at-desk.ts";
import { checkout } from "../../end-to-end/stage-set.ts";
import { temporaryFolder } from "../../temporary-folder.ts";
import { mlflowStartLimitMs } from "../mlflow.ts";
import { pythonPeer } from "../python-environment.ts";
import { runtimeClientPeer } from "../runtime-client.ts";
import { type AwsWorld, startAwsWorld } from "./aws-world.ts";

const python = pythonPeer("tests of the whole on moto");
const client = runtimeClientPeer("tests of the whole on moto");

describe.skipIf(python.skip || client.skip)("the whole on AWS's interfaces", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let aws: AwsWorld;
  beforeAll(async () => {
    folder = await temporaryFolder();
    aws = await startAwsWorld({
      folder: folder.path,
      checkout,
      timeScale: 600,
      traffic: 100,
      voice: {
        event: (event) => process.env.VERBOSE && console.info(Date.now() % 1e6, JSON.stringify(event)),
        say: () => {},
      },
      log: (line) => void (process.env.VERBOSE && console.info(line.slice(0, 400))),
    });
  }, mlflowStartLimitMs);
  afterAll(async () => {
    await aws?.stop();
    await folder?.remove();
  });

  test("a first version is promoted by a signed click, and a better one after a canary", async () => {
    const first = (await aws.repository.commitChange("churn", "first")) ?? "";
    const one = await aws.deliver("churn", first);
    await Promise.race([aws.asked(one), aws.ended(one)]);
    await personAtDesk(aws).approve(one);
    await aws.ended(one);
    expect(await aws.world.outcomes.read(one)).toMatchObject({ outcome: "promoted" });

    const second = (await aws.repository.commitChange("churn", "second")) ?? "";
    const two = await aws.deliver("churn", second);
    await Promise.race([aws.asked(two), aws.ended(two)]);
    await personAtDesk(aws).approve(two);
    await aws.ended(two);
    expect(await aws.world.outcomes.read(two)).toMatchObject({ outcome: "promoted" });
    expect(aws.application?.versions()).toEqual(new Set(["1", "2"]));
  }, 300_000);
});
