import {
  ConflictException,
  CreateIntegrationCommand,
  CreateRouteCommand,
  DeleteIntegrationCommand,
  DeleteRouteCommand,
  GetIntegrationsCommand,
  GetRoutesCommand,
  type Integration,
  NotFoundException,
  type Route,
  UpdateRouteCommand,
} from "@aws-sdk/client-apigatewayv2";
import type { LambdaServingDependencies } from "./lambda-dependencies.ts";

type Needs = Pick<LambdaServingDependencies, "api" | "httpApi">;
type Page<Item> = { readonly Items?: Item[] | undefined; readonly NextToken?: string | undefined };

/** These operations have no paginator in the SDK. */
const readAllPages = async <Item>(
  read: (token: string | undefined) => Promise<Page<Item>>,
): Promise<Item[]> => {
  const items: Item[] = [];
  let token: string | undefined;
  do {
    const page = await read(token);
    items.push(...(page.Items ?? []));
    token = page.NextToken;
  } while (token !== undefined);
  return items;
};

const toRouteKey = (model: string) => `ANY /models/${model}/{proxy+}`;

/** API Gateway's longest timeout for a function. */
const integrationLimitMs = 30_000;

/**
 * The route of one model in the environment's HTTP API to the function's alias.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export const createHttpRoute = ({ api, httpApi }: Needs) => {
  const ApiId = httpApi.id;
  const listRoutes = () =>
    readAllPages<Route>((NextToken) => api.send(new GetRoutesCommand({ ApiId, NextToken })));
  const listIntegrations = () =>
    readAllPages<Integration>((NextToken) => api.send(new GetIntegrationsCommand({ ApiId, NextToken })));

  const authorization = httpApi.authorizerId
    ? { AuthorizationType: "CUSTOM" as const, AuthorizerId: httpApi.authorizerId }
    : { AuthorizationType: "NONE" as const };

  const ensureIntegration = async (aliasArn: string): Promise<string | undefined> => {
    // Reuse the integration of an interrupted attempt, so that duplicates do not accumulate.
    const existing = (await listIntegrations()).find(({ IntegrationUri }) => IntegrationUri === aliasArn);
    if (existing) return existing.IntegrationId;
    const created = await api.send(
      new CreateIntegrationCommand({
        ApiId,
        IntegrationType: "AWS_PROXY",
        IntegrationUri: aliasArn,
        IntegrationMethod: "POST",
        PayloadFormatVersion: "2.0",
        TimeoutInMillis: integrationLimitMs,
      }),
    );
    return created.IntegrationId;
  };

  const ignoreNotFound = async (removal: Promise<unknown>): Promise<void> => {
    await removal.catch((error: unknown) => {
      if (!(error instanceof NotFoundException)) throw error;
    });
  };

  return {
    /** Creates a missing route, and repairs one whose integration was removed. */
    async ensure(model: string, aliasArn: string): Promise<void> {
      const RouteKey = toRouteKey(model);
      const Target = `integrations/${await ensureIntegration(aliasArn)}`;
      const existing = (await listRoutes()).find((route) => route.RouteKey === RouteKey);
      if (existing === undefined) {
        await api
          .send(new CreateRouteCommand({ ApiId, RouteKey, Target, ...authorization }))
          .catch((error: unknown) => {
            // Another delivery, or an earlier attempt of this call, was faster.
            if (!(error instanceof ConflictException)) throw error;
          });
        return;
      }
      const isUnchanged =
        existing.Target === Target &&
        existing.AuthorizationType === authorization.AuthorizationType &&
        existing.AuthorizerId === httpApi.authorizerId;
      if (!isUnchanged)
        await api.send(
          new UpdateRouteCommand({ ApiId, RouteId: existing.RouteId, Target, ...authorization }),
        );
    },
    /** Removes the route and all integrations of the function's alias, even if the function no longer exists. */
    async remove(model: string, functionName: string): Promise<void> {
      for (const { RouteKey, RouteId } of await listRoutes())
        if (RouteKey === toRouteKey(model))
          await ignoreNotFound(api.send(new DeleteRouteCommand({ ApiId, RouteId })));
      for (const { IntegrationUri, IntegrationId } of await listIntegrations())
        if (IntegrationUri?.endsWith(`:function:${functionName}:live`))
          await ignoreNotFound(api.send(new DeleteIntegrationCommand({ ApiId, IntegrationId })));
    },
  };
};
