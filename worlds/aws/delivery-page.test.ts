import { expect, test } from "vitest";
import { createDeliveryPage } from "./delivery-page.ts";

const STATE_MACHINE_ARN = "arn:aws:states:eu-central-1:123456789012:stateMachine:slipway";

test("a message links to the console, and where there is none to the execution in AWS's console", () => {
  const page = createDeliveryPage({ STATE_MACHINE_ARN, CONSOLE_URL: "https://console.example" });
  expect(page("churn-1")).toBe("https://console.example/deliveries/churn-1");
  expect(createDeliveryPage({ STATE_MACHINE_ARN })("churn-1")).toBe(
    "https://eu-central-1.console.aws.amazon.com/states/home?region=eu-central-1#/v2/executions/details/arn:aws:states:eu-central-1:123456789012:execution:slipway:churn-1",
  );
});
