// An episode as a picture: what the learner was shown, what it was asked, what it answered, right or wrong.
import { escapeText, hueOf, ink, quiet } from "./svg.ts";

/** A query and its answer. */
export interface PicturedQuery {
  /** Bytes of a PNG file. */
  readonly image: Uint8Array;
  /** The class that it is of, and the one that was predicted, by index. */
  readonly truth: number;
  readonly predicted: number;
  /** Of the predicted class, 0 to 1. */
  readonly probability: number;
}

export interface PicturedEpisode {
  readonly title: string;
  /** The support images of each class, as PNG files. */
  readonly support: readonly (readonly Uint8Array[])[];
  readonly queries: readonly PicturedQuery[];
}

const right = "#15803d";
const wrong = "#dc2626";

const margin = 32;
const supportSize = 76;
const querySize = 64;
const gap = 18;
const rowHeight = 106;
const top = 128;

/** A self-contained SVG file: a row for each class, its support set at the left, its queries and their answers beside it. */
export function episodePicture({ title, support, queries }: PicturedEpisode): string {
  const shots = Math.max(...support.map((images) => images.length));
  const rows = support.map((_, truth) => queries.filter((query) => query.truth === truth));
  const asked = Math.max(...rows.map((row) => row.length));
  const divider = margin + 34 + shots * (supportSize + gap) + 10;
  const queryLeft = divider + 26;
  const width = queryLeft + asked * (querySize + gap) - gap + margin + 8;
  const height = top + support.length * rowHeight + 40;
  const correct = queries.filter(({ truth, predicted }) => truth === predicted).length;

  const row = (images: readonly Uint8Array[], truth: number): string => {
    const y = top + truth * rowHeight;
    const shown = images.map((image, i) =>
      tile(image, margin + 34 + i * (supportSize + gap), y, supportSize, hueOf(truth), 2.5),
    );
    const answers = rows[truth]!.map((query, i) => answer(query, queryLeft + i * (querySize + gap), y + 2));
    const line =
      truth === 0 ? "" : `<line x1="${margin}" y1="${y - 13}" x2="${width - margin}" y2="${y - 13}" stroke="#eceff2"/>`;
    return `${line}${badge(letter(truth), hueOf(truth), margin + 11, y + supportSize / 2, 11)}${shown.join("")}${answers.join("")}`;
  };

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif" role="img">
<title>${escapeText(title)}: ${correct} of ${queries.length} queries right</title>
<rect width="${width}" height="${height}" rx="14" fill="#ffffff"/>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="13.5" fill="none" stroke="#dde2e7"/>
<text x="${margin}" y="46" font-size="19" font-weight="600" fill="${ink}">${escapeText(title)}</text>
<text x="${margin}" y="69" font-size="13" fill="${quiet}">${correct} of ${queries.length} queries right</text>
<text x="${margin + 34}" y="${top - 18}" font-size="11" letter-spacing="0.8" font-weight="600" fill="${quiet}">SHOWN</text>
<text x="${queryLeft}" y="${top - 18}" font-size="11" letter-spacing="0.8" font-weight="600" fill="${quiet}">ASKED, AND ANSWERED</text>
<line x1="${divider}" y1="${top - 30}" x2="${divider}" y2="${height - 52}" stroke="#dde2e7"/>
${support.map(row).join("\n")}
<text x="${margin}" y="${height - 22}" font-size="11.5" fill="${quiet}">Below each query: the character it was taken for, and how surely. <tspan fill="${right}" font-weight="600">✓ right</tspan>  <tspan fill="${wrong}" font-weight="600">✗ wrong</tspan></text>
</svg>
`;
}

function answer({ image, truth, predicted, probability }: PicturedQuery, x: number, y: number): string {
  const hit = truth === predicted;
  const colour = hit ? right : wrong;
  const base = y + querySize + 14;
  return (
    tile(image, x, y, querySize, hit ? "#d3d9df" : wrong, hit ? 1 : 2.5) +
    badge(letter(predicted), hueOf(predicted), x + 8, base, 8) +
    `<text x="${x + 21}" y="${base + 4}" font-size="11.5" fill="${colour}" font-weight="${hit ? 500 : 700}">${hit ? "✓" : "✗"} ${Math.round(100 * probability)} %</text>`
  );
}

function tile(image: Uint8Array, x: number, y: number, size: number, stroke: string, strokeWidth: number): string {
  const href = `data:image/png;base64,${Buffer.from(image).toString("base64")}`;
  const inset = 4;
  return (
    `<rect x="${x}" y="${y}" width="${size}" height="${size}" rx="8" fill="#ffffff" stroke="${stroke}" stroke-width="${strokeWidth}"/>` +
    `<image x="${x + inset}" y="${y + inset}" width="${size - 2 * inset}" height="${size - 2 * inset}" href="${href}"/>`
  );
}

const badge = (text: string, fill: string, x: number, y: number, radius: number): string =>
  `<circle cx="${x}" cy="${y}" r="${radius}" fill="${fill}"/>` +
  `<text x="${x}" y="${y + radius * 0.4}" font-size="${radius * 1.15}" font-weight="700" text-anchor="middle" fill="#ffffff">${text}</text>`;

/** A, B, …, Z, AA, … */
const letter = (index: number): string =>
  (index >= 26 ? letter(Math.floor(index / 26) - 1) : "") + String.fromCharCode(65 + (index % 26));
