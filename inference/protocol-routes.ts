import type { Route } from "./http/router.ts";
import { oipRoutes } from "./oip/oip-routes.ts";
import { predictionsRoutes } from "./records/predictions-routes.ts";
import { mlflowRoutes } from "./scoring/mlflow-routes.ts";
import { sagemakerRoutes } from "./scoring/sagemaker-routes.ts";
import type { Service } from "./service.ts";

/** Everything but Slipway's own protocol and its documents: a function's start does not load it. */
export const protocolRoutes = (service: Service): readonly Route[] => [
  ...predictionsRoutes({ reader: service.records?.reader, log: service.log }),
  ...oipRoutes(service),
  ...mlflowRoutes(service),
  ...sagemakerRoutes(service),
];
