/** Whether a label applies, in the spellings of tables; undefined for other text. */
export const parseFlag = (text: string): boolean | undefined =>
  /^(1|1\.0+|true|yes|y)$/i.test(text) ? true : /^(0|0\.0+|false|no|n)$/i.test(text) ? false : undefined;
