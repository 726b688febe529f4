// A preprocessing in words.
import type { Preprocessing } from "./manifest.ts";

/** What an example is, in words that follow "examples are": "28×28 in grey, inverted". */
export function preprocessingText(how: Preprocessing): string {
  if (how.kind === "image") {
    const colour = how.channels === 3 ? "in colour" : "in grey";
    const margin = how.margin ? `, with a margin of ${number(100 * how.margin)} % around` : "";
    return `${how.width}×${how.height} ${colour}${margin}${how.invert ? ", dark as light" : ""}`;
  }
  if (how.kind === "window") {
    const time = how.rate === undefined ? "" : ` at ${number(how.rate)} Hz, ${number(how.length / how.rate)} s`;
    return (
      `windows of ${how.length} samples${time}, ${plural(how.channels, "channel")}` +
      (how.pad ? "; shorter ones begin with their first sample, repeated" : "")
    );
  }
  if (how.kind === "sound") {
    const frames = 1 + Math.floor((how.length - how.frame) / how.hop);
    return (
      `the loudest ${number(how.length / how.rate)} s at ${number(how.rate)} Hz, as the energies of ${how.bands} bands from ` +
      `${number(how.lowest)} to ${number(how.highest)} Hz in ${frames} steps of ${number((1000 * how.hop) / how.rate)} ms`
    );
  }
  if (how.kind === "text") return `texts of ${plural(how.length, "token")} at most`;
  if (how.kind === "bytes") {
    const parts = [
      ...(how.first > 0 ? [`the first ${how.first}`] : []),
      ...(how.last > 0 ? [`the last ${how.last}`] : []),
    ];
    return `${parts.join(" and ")} bytes of a file${how.trim === undefined ? "" : ", without blanks around"}`;
  }
  const numbers = how.columns.filter(({ kind }) => kind === "number").length;
  const categories = how.columns.length - numbers;
  return [
    ...(numbers > 0 ? [`${plural(numbers, "column")} of numbers, standardized`] : []),
    ...(categories > 0 ? [`${plural(categories, "column")} of categories, a number for each value`] : []),
  ].join("; ");
}

const number = (value: number): string => Number(value.toPrecision(4)).toLocaleString("en");
const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;
