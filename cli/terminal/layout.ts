// Text in the columns of a terminal: widths as a terminal counts them, so that Chinese, emoji and accents align, and lines
// that break between words.
import stringWidth from "string-width";
import wrapAnsi from "wrap-ansi";

/** The width of what has no terminal to ask: a pipe, a file. */
const usualWidth = 80;

/** Lines are no longer than a reader likes, however wide the terminal is. */
const widestText = 110;

/** How wide a stream shows text, in columns. */
export const widthOf = (stream: { readonly columns?: number | undefined }): number =>
  Math.min(widestText, stream.columns || usualWidth);

/** Columns that a text takes; styles take none. */
export const textWidth = (text: string): number => stringWidth(text);

/** Fills a text up with spaces to a width. */
export const padEnd = (text: string, width: number): string => text + " ".repeat(Math.max(0, width - textWidth(text)));

/** The same in front of it. */
const padStart = (text: string, width: number): string => " ".repeat(Math.max(0, width - textWidth(text))) + text;

/** The start of a text that fits a width, with … where something is left out. */
export function cut(text: string, width: number): string {
  // So much of it is looked at: a column holds few characters, whatever they are.
  const start = text.slice(0, 16 * width);
  if (start.length === text.length && textWidth(text) <= width) return text;
  let kept = "";
  let taken = 0;
  for (const { segment } of new Intl.Segmenter().segment(start)) {
    taken += textWidth(segment);
    if (taken >= width) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** The lines of a text that is broken between words; a word that is wider than a line, such as a path, stays whole. */
export const linesOf = (text: string, width: number): string[] =>
  wrapAnsi(text, Math.max(1, width), { hard: false, trim: true }).split("\n");

/** A text whose further lines start under the first one's words: its indentation stays, and `hang` columns are added. */
export function wrapped(text: string, width: number, hang = 0): string {
  return text
    .split("\n")
    .map((line) => {
      if (textWidth(line) <= width) return line;
      const [indent = ""] = /^ */.exec(line) ?? [];
      const further = " ".repeat(indent.length + hang);
      const room = width - further.length;
      // The first line has more room; breaking it as the others are costs little and keeps this simple.
      return linesOf(line.slice(indent.length), room)
        .map((part, i) => (i === 0 ? indent : further) + part)
        .join("\n");
    })
    .join("\n");
}

/** A text beside others needs this much room; where there is less, it goes below them. */
const narrowest = 24;

/**
 * Two columns: names, and beside each what is said of it, in as many lines as that needs. On a narrow terminal it is said
 * below.
 */
export function described(rows: readonly (readonly [name: string, what: string])[], width: number, indent = 2): string {
  const gap = 2;
  const left = " ".repeat(indent);
  const names = Math.max(0, ...rows.map(([name]) => textWidth(name)));
  const room = width - indent - names - gap;
  return rows
    .map(([name, what]) => {
      if (what === "") return left + name;
      if (room < narrowest)
        return [left + name, ...linesOf(what, width - indent - 4).map((line) => `${left}    ${line}`)].join("\n");
      const [first = "", ...further] = linesOf(what, room);
      return [
        left + padEnd(name, names + gap) + first,
        ...further.map((line) => " ".repeat(indent + names + gap) + line),
      ].join("\n");
    })
    .join("\n");
}

/** How {@link columns} lays out. */
export interface ColumnsOptions {
  /** All but the first column stand to the right, unless false. */
  readonly right?: boolean;
  /** Where the last column stands to the left, it goes on in further lines within this width. */
  readonly width?: number;
}

/** Rows of texts with their columns aligned: the first to the left, the others to the right unless said. */
export function columns(rows: readonly (readonly string[])[], { right = true, width }: ColumnsOptions = {}): string {
  const widths = rows.reduce<number[]>((w, row) => {
    row.forEach((text, i) => {
      w[i] = Math.max(w[i] ?? 0, textWidth(text));
    });
    return w;
  }, []);
  const last = widths.length - 1;
  const before = 2 + widths.slice(0, last).reduce((sum, width) => sum + width + 3, 0);
  return rows
    .flatMap((row) => {
      const wide = !right && width !== undefined && row.length > last && before + textWidth(row[last]!) > width;
      const [first = "", ...further] = wide
        ? linesOf(row[last]!, Math.max(narrowest, width - before))
        : [row[last] ?? ""];
      const shown = row.map((text, i) => (i === last ? first : text));
      const pad = (text: string, i: number) => (i > 0 && right ? padStart(text, widths[i]!) : padEnd(text, widths[i]!));
      return [`  ${shown.map(pad).join("   ")}`.trimEnd(), ...further.map((line) => " ".repeat(before) + line)];
    })
    .join("\n");
}
