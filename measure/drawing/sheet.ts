// A sheet of examples as a model is given them: a row a class. It is what one looks at before training on data.
import type { Preprocessing } from "@innerloop/schemas";
import { escapeText, fitted, fonts, hueOf, ink, linesOfText, quiet } from "./svg.ts";
import { linesAtMost, rangeOf, shortNumber, type TileStyle, tile, tileStyle } from "./tiles.ts";

/** A class on a sheet. */
export interface SheetClass {
  readonly name: string;
  /** What stands below the name: "340 examples, test". */
  readonly about: string;
  readonly examples: readonly Float32Array[];
}

/** What is drawn. */
export interface Sheet {
  readonly title: string;
  readonly subtitle: string;
  /** The shape of an example. */
  readonly shape: readonly number[];
  readonly preprocessing?: Preprocessing | undefined;
  readonly classes: readonly SheetClass[];
  /** What stands below. */
  readonly footer: string;
}

const margin = 32;
const gap = 10;
/** Room for the names of classes. */
const names = { width: 190, size: 14, aboutSize: 11 };
/** A sheet is so wide; fewer or smaller examples make it narrower. */
const widest = 1120;

/** How many examples of a class go on a sheet beside each other; 0 for what has no picture. */
export function examplesAcross(shape: readonly number[], preprocessing: Preprocessing | undefined): number {
  const style = tileStyle(shape, preprocessing);
  return style ? Math.floor((widest - left(style) - margin + gap) / (style.width + gap)) : 0;
}

/** Where examples begin: after the names, and what stands beside an axis. */
const left = ({ upwards, kind }: TileStyle): number => margin + names.width + (upwards || kind === "lines" ? 52 : 8);

/**
 * A self-contained SVG file.
 * @returns undefined for what has no picture, such as rows of a table
 */
export async function drawSheet(sheet: Sheet): Promise<string | undefined> {
  const { shape, classes, title, subtitle, footer } = sheet;
  const style = tileStyle(shape, sheet.preprocessing);
  if (!style) return undefined;
  const start = left(style);
  const across = Math.max(1, ...classes.map(({ examples }) => examples.length));
  const legend = legendOf(style);
  const width = Math.max(660, start + across * (style.width + gap) - gap + margin);
  const said = linesOfText(subtitle, 13, width - 2 * margin);
  const top = (legend === undefined ? 82 : 106) + 18 * said.length;
  const step = style.height + 18;
  const below = style.across ? 20 : 0;
  const height = top + classes.length * step + below + 44;
  const range = rangeOf(classes.flatMap(({ examples }) => examples));
  const rows = await Promise.all(
    classes.map(async (each, i) => {
      const y = top + i * step;
      const tiles = await Promise.all(
        each.examples.map((values, column) =>
          tile(values, { shape, style, range }, start + column * (style.width + gap), y),
        ),
      );
      return `${nameOf(each, y + style.height / 2)}${axisOf(style, range, start, y)}${tiles.join("")}`;
    }),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="${fonts}" role="img">
<title>${escapeText(title)}</title>
<rect width="${width}" height="${height}" fill="#ffffff"/>
<text x="${margin}" y="44" font-size="19" font-weight="600" fill="${ink}">${escapeText(fitted(title, 19, width - 2 * margin))}</text>
${said.map((words, i) => `<text x="${margin}" y="${68 + 18 * i}" font-size="13" fill="${quiet}">${escapeText(words)}</text>`).join("")}
${legend === undefined ? "" : `<g transform="translate(${start}, ${top - 24})">${legend}</g>`}
${rows.join("\n")}
${below > 0 ? timesOf(style, start, across, top + (classes.length - 1) * step + style.height + 14) : ""}
<text x="${margin}" y="${height - 20}" font-size="11.5" fill="${quiet}">${escapeText(footer)}</text>
</svg>
`;
}

function nameOf({ name, about }: SheetClass, middle: number): string {
  const shown = fitted(name, names.size, names.width - 12);
  return (
    `<text x="${margin}" y="${middle - 1}" font-size="${names.size}" font-weight="600" fill="${ink}">${escapeText(shown)}</text>` +
    `<text x="${margin}" y="${middle + 15}" font-size="${names.aboutSize}" fill="${quiet}">${escapeText(about)}</text>`
  );
}

/** The ends of the axis that goes upwards, beside the first example of a row. */
function axisOf(
  { upwards, kind, height }: TileStyle,
  { low, high }: { low: number; high: number },
  x: number,
  y: number,
): string {
  const ends = upwards ?? (kind === "lines" ? [shortNumber(low), shortNumber(high)] : undefined);
  if (!ends) return "";
  const text = (at: number, words: string) =>
    `<text x="${x - 6}" y="${at}" font-size="9.5" text-anchor="end" fill="${quiet}">${words}</text>`;
  return text(y + 8, ends[1]!) + text(y + height, ends[0]!);
}

/** The ends of the axis of time, below each column. */
function timesOf(
  { across: [first, last] = ["", ""], width }: TileStyle,
  start: number,
  count: number,
  y: number,
): string {
  return Array.from({ length: count }, (_, column) => {
    const x = start + column * (width + gap);
    return (
      `<text x="${x}" y="${y}" font-size="9.5" fill="${quiet}">${first}</text>` +
      `<text x="${x + width}" y="${y}" font-size="9.5" text-anchor="end" fill="${quiet}">${last}</text>`
    );
  }).join("");
}

/** Which line is which channel, or which colour is loud. */
function legendOf({ kind, lines = 1 }: TileStyle): string | undefined {
  if (kind !== "lines" || lines < 2) return undefined;
  const shown = Array.from({ length: Math.min(lines, linesAtMost) }, (_, channel) => {
    const x = channel * 92;
    return (
      `<line x1="${x}" y1="-4" x2="${x + 18}" y2="-4" stroke="${hueOf(channel)}" stroke-width="2.5"/>` +
      `<text x="${x + 24}" y="0" font-size="11" fill="${quiet}">channel ${channel + 1}</text>`
    );
  });
  const more =
    lines > linesAtMost ? `<text x="${linesAtMost * 92}" y="0" font-size="11" fill="${quiet}">of ${lines}</text>` : "";
  return shown.join("") + more;
}

/** A drawing as the bytes of a PNG file, at two pixels a point. */
export async function rasterized(svg: string): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp");
  return sharp(Buffer.from(svg), { density: 144 })
    .flatten({ background: "#ffffff" })
    .png({ compressionLevel: 9 })
    .toBuffer();
}
