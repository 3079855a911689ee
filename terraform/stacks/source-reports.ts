import { Construct } from "constructs";
import { eventSource } from "../../platform/events/events.ts";
import type { FunctionResources } from "../constructs/lambda-function/lambda-function.ts";
import { addEventRule } from "./delivery-events.ts";

type Needs = {
  readonly function: FunctionResources;
  /** The name of the bus of Slipway's events. */
  readonly bus: string;
};

/** Reports each event of a delivery on GitHub, and what no event reported. */
export const addSourceReports = (scope: Construct, id: string, needs: Needs): void => {
  const place = new Construct(scope, id);
  addEventRule(
    place,
    "report-source",
    "Shows each change of a delivery on GitHub",
    { eventPattern: JSON.stringify({ source: [eventSource] }), eventBusName: needs.bus },
    needs.function,
  );
  addEventRule(
    place,
    "report-source-again",
    "Repeats reports that GitHub did not take",
    { scheduleExpression: "rate(5 minutes)" },
    needs.function,
  );
};
