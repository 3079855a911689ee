import { readFileSync } from "node:fs";
import { isScalar, parseDocument } from "yaml";
import * as z from "zod";

const path = new URL("../docs/slack-app.yaml", import.meta.url);

const Manifest = z.object({
  oauth_config: z.object({
    redirect_urls: z.tuple([z.url()]),
    scopes: z.strictObject({ bot: z.array(z.string()).min(1), user: z.array(z.string()) }),
  }),
  settings: z.object({ interactivity: z.object({ is_enabled: z.literal(true), request_url: z.url() }) }),
});

export type AppManifest = {
  /** The bot's scopes, each with what it is for: the comment on its line. */
  readonly scopes: readonly { readonly scope: string; readonly purpose: string }[];
  /** What people grant who sign in to the console. */
  readonly userScopes: readonly string[];
  /** Where Slack sends clicks, and people who sign in; examples until a person replaces them. */
  readonly requestUrl: string;
  readonly redirectUrl: string;
};

/** What docs/slack-app.yaml says: the one list of scopes. https://docs.slack.dev/reference/app-manifest */
export const readAppManifest = (): AppManifest => {
  const document = parseDocument(readFileSync(path, "utf8"));
  const { oauth_config, settings } = Manifest.parse(document.toJS());
  const readPurpose = (index: number): string => {
    const node = document.getIn(["oauth_config", "scopes", "bot", index], true);
    return (isScalar(node) ? (node.comment ?? "") : "").trim();
  };
  return {
    scopes: oauth_config.scopes.bot.map((scope, index) => ({ scope, purpose: readPurpose(index) })),
    userScopes: oauth_config.scopes.user,
    requestUrl: settings.interactivity.request_url,
    redirectUrl: oauth_config.redirect_urls[0],
  };
};
