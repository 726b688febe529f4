// Values of options that are several: numbers with commas, and names with numbers.
import { decimal } from "@innerloop/schemas";
import { short, wrongCall } from "../call/command.ts";

/**
 * Numbers between commas.
 * @param above what each has to be larger than
 * @throws InnerloopError `bad-option` (status 2)
 */
export function numbersFrom(name: string, text: string, above = Number.NEGATIVE_INFINITY): number[] {
  return text.split(",").map((part) => {
    const number = decimal(part.trim());
    if (Number.isFinite(number) && number > above) return number;
    throw wrongCall(
      "bad-option",
      `--${name} is "${short(text)}"; numbers${above === 0 ? " above 0" : ""} with commas between them were expected.`,
    );
  });
}

/**
 * Names with numbers, as `height=224,width=224`.
 * @throws InnerloopError `bad-option` (status 2)
 */
export function pairsFrom(name: string, text: string): Record<string, number> {
  return Object.fromEntries(
    text.split(",").map((part) => {
      const at = part.lastIndexOf("=");
      const number = decimal(part.slice(at + 1).trim());
      if (at > 0 && Number.isFinite(number)) return [part.slice(0, at).trim(), number];
      throw wrongCall(
        "bad-option",
        `--${name} is "${short(text)}"; names with a number each were expected, as height=224,width=224.`,
      );
    }),
  );
}
