// Words that come from a file or a caller, on their way to a person: they move no cursor, change no title, turn no line
// around, and are no longer than a person reads.

import { kindOf } from "./tensor.ts";

/** All that a terminal acts upon instead of showing it, but for a new line and a tab; and what turns the direction of text. */
const controls = /[^\P{Cc}\n\t]|[\p{Bidi_C}\u2028\u2029]/gu;

/**
 * Text as it may be shown: control characters become U+FFFD, and of what is longer than `most` its middle is left out.
 *
 * @param most UTF-16 units
 */
export function plain(given: string, most = 4000): string {
  const text = typeof given === "string" ? given : show(given);
  const cut = text.length > most ? `${text.slice(0, most >> 1)} … ${text.slice(-(most >> 1))}` : text;
  return cut.replace(controls, "\ufffd");
}

/** A value as messages name it, on one line: text in quotes, lists and objects as JSON; never more than 80 characters. */
export function show(value: unknown): string {
  let [text, left] = [String(typeof value), 80];
  const seen = (_: string, value: unknown) => (left-- > 0 ? brief(value) : undefined);
  try {
    text = typeof value === "object" || typeof value === "string" ? JSON.stringify(brief(value), seen) : String(value);
  } catch {
    // What cannot be written, as a list that holds itself, is named by its kind.
  }
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/** What of a value can be seen in so short a text, so that a large one is not written whole. */
function brief(value: unknown): unknown {
  if (typeof value === "string" || Array.isArray(value)) return value.slice(0, 80);
  return ArrayBuffer.isView(value) ? `${kindOf(value)} of ${value.byteLength} bytes` : value;
}
