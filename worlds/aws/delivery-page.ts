import type { GroupVariables } from "./environment/variable-groups.ts";
import { createExecutionUrl } from "./execution-url.ts";

type Needs = GroupVariables<"deliveries"> & Pick<GroupVariables<"slack">, "CONSOLE_URL">;

/**
 * Where a message's link about a delivery leads: to the console, which people read without an identity in AWS; without a
 * console to the execution's page in AWS's own console.
 */
export const createDeliveryPage = ({
  CONSOLE_URL: url,
  STATE_MACHINE_ARN: machine,
}: Needs): ((delivery: string) => string) =>
  url === undefined
    ? createExecutionUrl(machine)
    : (delivery) => `${url}/deliveries/${encodeURIComponent(delivery)}`;
