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

/** API Gateway waits at most so long for a function, in milliseconds. */
const integrationLimitMs = 30_000;

/**
 * The route of one model in the environment's HTTP API, which leads to the function's alias.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export const createHttpRoute = ({ api, httpApi }: Needs) => {
  const ApiId = httpApi.id;
  const routes = () =>
    readAllPages<Route>((NextToken) => api.send(new GetRoutesCommand({ ApiId, NextToken })));
  const integrations = () =>
    readAllPages<Integration>((NextToken) => api.send(new GetIntegrationsCommand({ ApiId, NextToken })));

  const authorization = httpApi.authorizerId
    ? { AuthorizationType: "CUSTOM" as const, AuthorizerId: httpApi.authorizerId }
    : { AuthorizationType: "NONE" as const };

  const integrationFor = async (aliasArn: string): Promise<string | undefined> => {
    // One that a broken-off attempt left behind is taken, so that none is ever doubled for long.
    const standing = (await integrations()).find(({ IntegrationUri }) => IntegrationUri === aliasArn);
    if (standing) return standing.IntegrationId;
    const made = await api.send(
      new CreateIntegrationCommand({
        ApiId,
        IntegrationType: "AWS_PROXY",
        IntegrationUri: aliasArn,
        IntegrationMethod: "POST",
        PayloadFormatVersion: "2.0",
        TimeoutInMillis: integrationLimitMs,
      }),
    );
    return made.IntegrationId;
  };

  const gone = async (removal: Promise<unknown>): Promise<void> => {
    await removal.catch((error: unknown) => {
      if (!(error instanceof NotFoundException)) throw error;
    });
  };

  return {
    /** Makes the route where it is missing, and mends one whose integration was taken away. */
    async ensure(model: string, aliasArn: string): Promise<void> {
      const RouteKey = toRouteKey(model);
      const Target = `integrations/${await integrationFor(aliasArn)}`;
      const standing = (await routes()).find((route) => route.RouteKey === RouteKey);
      if (standing === undefined) {
        await api
          .send(new CreateRouteCommand({ ApiId, RouteKey, Target, ...authorization }))
          .catch((error: unknown) => {
            // Another delivery, or this call's own first attempt, was faster.
            if (!(error instanceof ConflictException)) throw error;
          });
        return;
      }
      const same =
        standing.Target === Target &&
        standing.AuthorizationType === authorization.AuthorizationType &&
        standing.AuthorizerId === httpApi.authorizerId;
      if (!same)
        await api.send(
          new UpdateRouteCommand({ ApiId, RouteId: standing.RouteId, Target, ...authorization }),
        );
    },
    /** Takes away the route and every integration that leads to the function's alias, also when the function is gone. */
    async remove(model: string, aliasOf: string): Promise<void> {
      for (const { RouteKey, RouteId } of await routes())
        if (RouteKey === toRouteKey(model)) await gone(api.send(new DeleteRouteCommand({ ApiId, RouteId })));
      for (const { IntegrationUri, IntegrationId } of await integrations())
        if (IntegrationUri?.endsWith(`:function:${aliasOf}:live`))
          await gone(api.send(new DeleteIntegrationCommand({ ApiId, IntegrationId })));
    },
  };
};
