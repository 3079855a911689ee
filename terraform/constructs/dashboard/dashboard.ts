import { CloudwatchDashboard } from "@cdktn/provider-aws/lib/cloudwatch-dashboard/index.js";
import type { Construct } from "constructs";

type Widget = {
  readonly title: string;
  /** As CloudWatch writes them: namespace, metric, then dimension and value in turn. */
  readonly metrics?: readonly (readonly string[])[];
  /** Searches, for what has a line for each model. */
  readonly expressions?: readonly string[];
};

type Needs = { readonly name: string; readonly region: string; readonly widgets: readonly Widget[] };

/** A dashboard of two columns, read from left to right. Sums by the minute, but for searches, which say it themselves. */
export const addDashboard = (scope: Construct, id: string, { name, region, widgets }: Needs): void => {
  new CloudwatchDashboard(scope, id, {
    dashboardName: name,
    dashboardBody: JSON.stringify({
      widgets: widgets.map(({ title, metrics = [], expressions = [] }, index) => ({
        type: "metric",
        x: (index % 2) * 12,
        y: Math.floor(index / 2) * 6,
        width: 12,
        height: 6,
        properties: {
          title,
          region,
          stat: "Sum",
          period: 60,
          view: "timeSeries",
          metrics: [...metrics, ...expressions.map((expression) => [{ expression }])],
        },
      })),
    }),
  });
};
