/** Two significant digits below 100, thousands separated above; for tables. */
export const formatNumber = (value: number): string =>
  value < 99.5 ? value.toPrecision(2) : Math.round(value).toLocaleString("en");
