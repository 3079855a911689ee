import { openCapabilities } from "#worlds/aws/capabilities.ts";
import { createDeliveryPage } from "#worlds/aws/delivery-page.ts";
import { readEnv } from "#worlds/aws/environment/read-env.ts";
import { warn } from "#worlds/aws/log-warning.ts";
import { createSourceReports } from "#worlds/aws/source-reports.ts";
import { createFunctionHandler } from "#worlds/aws/step-handler.ts";
import { Env } from "./env.ts";
import { reportSource } from "./report-source.ts";

const world = openCapabilities(readEnv(Env));
const reports = createSourceReports(world);
const linkDelivery = createDeliveryPage(world.env);

export const handler = createFunctionHandler(
  "report-source",
  reportSource({ ...world, reports, linkDelivery, warn }),
);
