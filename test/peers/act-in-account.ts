type Client = { readonly middlewareStack: object };
type Next = (args: { readonly request: unknown }) => Promise<never>;
type Stack = {
  add(middleware: (next: Next) => Next, options: { readonly step: "build"; readonly name: string }): void;
};

/** Makes a client act as an administrator in one of moto's accounts, without a role. */
export const actInAccount = <C extends Client>(account: string, client: C): C => {
  (client.middlewareStack as Stack).add(
    (next) => (args) => {
      (args.request as { headers: Record<string, string> }).headers["x-moto-account-id"] = account;
      return next(args);
    },
    { step: "build", name: "inAccount" },
  );
  return client;
};
