import { beforeAll, describe, expect, test } from "vitest";
import { commandForms } from "./public-forms/commands.ts";
import { configurationForms } from "./public-forms/configuration.ts";
import { errorForms, otherErrorNames } from "./public-forms/error-names.ts";
import { eventForms } from "./public-forms/events.ts";
import {
  expectSameForm,
  formChanged,
  isRecording,
  readFixture,
  writeFixture,
} from "./public-forms/expect-same-form.ts";
import { httpForms } from "./public-forms/http.ts";
import { messageForms } from "./public-forms/messages.ts";
import { playDeliveries, type Traces } from "./public-forms/play-deliveries.ts";
import { storedForms } from "./public-forms/stored-items.ts";

/**
 * What leaves the program or outlives it keeps its form, also when internal names and folders change. Each test compares
 * with a file under public-forms/; `UPDATE_FORMS=1` records these files again.
 */
let traces: Traces;
beforeAll(async () => {
  traces = await playDeliveries();
});

test("the deliveries that these tests play end as intended", () => {
  expectSameForm("outcomes", traces.outcomes);
});

describe("stored data", () => {
  test.each(["stored-items", "stored-blobs", "stored-tables", "stored-names"] as const)(
    "keeps its form: %s",
    (name) => expectSameForm(name, storedForms(traces)[name]),
  );
});

describe("the state machine and the events that start it", () => {
  test.each(["state-machine", "state-contracts", "push-events"] as const)(
    "keep their form: %s",
    async (name) => expectSameForm(name, (await eventForms(traces))[name]),
  );
});

test("the approval message, the dialog and the responses to Slack keep their form in every state", () => {
  expectSameForm("messages", messageForms(traces).messages);
});

test("error names that the state machine, remedies or exit codes use do not change", () => {
  expectSameForm("error-names", errorForms()["error-names"]);
});

test("other error names are not removed", () => {
  const name = "other-error-names";
  if (isRecording) writeFixture(name, otherErrorNames());
  else
    expect(otherErrorNames(), formChanged(name)).toEqual(
      expect.arrayContaining(readFixture(name) as string[]),
    );
});

test("the command keeps its commands, arguments, options and exit codes", async () => {
  expectSameForm("commands", (await commandForms()).commands);
});

describe("the inference service", () => {
  let forms: Awaited<ReturnType<typeof httpForms>>;
  beforeAll(async () => {
    forms = await httpForms();
  });
  test.each(["openapi", "http-responses", "http-gates", "function-responses"] as const)(
    "keeps its form: %s",
    (name) => expectSameForm(name, forms[name]),
  );
});

describe("names that others set or look up", () => {
  test.each(["environment-variables", "metrics", "resource-names", "committed-files"] as const)(
    "stay as they are: %s",
    (name) => expectSameForm(name, configurationForms(traces)[name]),
  );
});
