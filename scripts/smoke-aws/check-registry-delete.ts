import { STSClient } from "@aws-sdk/client-sts";
import * as z from "zod";
import { createMlflowApi } from "#platform/registry/mlflow/mlflow-api.ts";
import { createSignedFetch } from "#platform/registry/signed-fetch.ts";
import type { SmokeCheck, SmokeNeeds } from "./smoke-check.ts";

const anything = z.unknown();
const Model = z.object({
  registered_model: z.object({ tags: z.array(z.object({ key: z.string() })).default([]) }),
});
const tag = "slipway.smoke";

/** MLflow behind its API, signed with the person's own credentials. */
const openApi = ({ outputs, region, fetch, clock }: SmokeNeeds) =>
  createMlflowApi({
    uri: outputs.MLFLOW_URI,
    fetch:
      outputs.MLFLOW_AUTH === "iam"
        ? createSignedFetch({ fetch, region, clock, credentials: new STSClient({}).config.credentials })
        : fetch,
  });

/** Creates a model without versions, and deletes its tag by a DELETE request with a body. */
export const checkRegistryDelete = (needs: SmokeNeeds): SmokeCheck => ({
  behaviour: "the HTTP API passes MLflow's DELETE requests on with their bodies",
  expected: "a tag of a scratch model is gone after a DELETE request with a body",
  writes: "creates a model `slipway-smoke-…` without versions in MLflow, and deletes it",
  aboutAws: true,
  run: async (addCleanUp) => {
    const api = openApi(needs);
    const name = `slipway-smoke-${needs.newId()}`;
    addCleanUp(`the model ${name} in MLflow`, async () => {
      await api.send("DELETE", "registered-models/delete", { name }, anything).catch((error: unknown) => {
        // It was not created, or is gone.
        if (!/RESOURCE_DOES_NOT_EXIST/.test(String(error))) throw error;
      });
    });
    await api.send("POST", "registered-models/create", { name, tags: [{ key: tag, value: "1" }] }, anything);
    await api.send("DELETE", "registered-models/delete-tag", { name, key: tag }, anything);
    const { registered_model: model } = await api.get("registered-models/get", { name }, Model);
    const gone = model.tags.every(({ key }) => key !== tag);
    return { status: gone ? "pass" : "fail", actual: gone ? "the tag is gone" : "the tag is still there" };
  },
});

/** A search whose query has blanks, a percent sign and quotes, signed. */
export const checkSignedQuery = (needs: SmokeNeeds): SmokeCheck => ({
  behaviour: "signed queries are compared after `%20`, never `+`",
  expected: "a signed search with blanks is accepted",
  aboutAws: true,
  run: async () => {
    if (needs.outputs.MLFLOW_AUTH !== "iam")
      return { status: "not checked", actual: "MLflow is called without signatures" };
    const filter = "name LIKE 'slipway smoke %'";
    await openApi(needs).get("registered-models/search", { filter, max_results: "1" }, anything);
    return { status: "pass", actual: "accepted" };
  },
});
