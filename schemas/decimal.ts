// A number as people write it, in options, in tables and in names of files.

/** The number that a text is, with nothing around it; NaN for what else JavaScript takes for one: `0x10`, an empty text. */
export const decimal = (text: string): number =>
  /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
