/** The path of each page, below the console's base. */
export const consolePaths = (base: string) => {
  const model = (name: string) => `${base}/models/${encodeURIComponent(name)}`;
  const delivery = (name: string, delivery: string) =>
    `${model(name)}/deliveries/${encodeURIComponent(delivery)}`;
  return {
    home: `${base}/`,
    deliveries: (filter: Readonly<Record<string, string | undefined>> = {}) => {
      const query = new URLSearchParams(
        Object.entries(filter).flatMap(([name, value]): [string, string][] => (value ? [[name, value]] : [])),
      ).toString();
      return `${base}/deliveries${query === "" ? "" : `?${query}`}`;
    },
    model,
    audit: (name: string) => `${model(name)}/audit`,
    delivery,
    canary: (name: string, id: string) => `${delivery(name, id)}/canary`,
    approval: (name: string, id: string) => `${delivery(name, id)}/approval`,
  };
};
export type ConsolePaths = ReturnType<typeof consolePaths>;
