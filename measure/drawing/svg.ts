// What all drawings share: colours, and texts that fit and cannot break the file that they are in.

export const ink = "#1f2933";
export const quiet = "#68747f";
export const faint = "#dde2e7";

/** Of lines and badges, in this order; they are told apart beside each other, also by those who see few colours. */
const hues = ["#2563eb", "#c2570c", "#0f766e", "#7c3aed", "#be185d", "#4d7c0f", "#0369a1", "#a16207"] as const;

export const hueOf = (index: number): string => hues[index % hues.length]!;

export const fonts = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', 'Noto Sans CJK SC', sans-serif";

/** A text between tags; what no XML may hold is shown as a box. */
export const escapeText = (text: string): string =>
  text
    .replaceAll(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");

/** About how wide a text is; letters of East Asian scripts are as wide as they are high. */
function widthOfText(text: string, size: number): number {
  let width = 0;
  for (const letter of text) width += (letter.codePointAt(0)! >= 0x2e80 ? 1 : 0.58) * size;
  return width;
}

/** The lines of a text that is broken between words. */
export function linesOfText(text: string, size: number, room: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && widthOfText(longer, size) <= room) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** The text, or its start and end where it is too wide: names differ at both. */
export function fitted(text: string, size: number, room: number): string {
  if (widthOfText(text, size) <= room) return text;
  const letters = [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
  for (let kept = letters.length - 1; kept > 1; kept--) {
    const shown = `${letters.slice(0, Math.ceil(kept * 0.6)).join("")}…${letters.slice(letters.length - Math.floor(kept * 0.4)).join("")}`;
    if (widthOfText(shown, size) <= room) return shown;
  }
  return "…";
}

/** An image in a drawing. @param png the bytes of a PNG file */
export const imageAt = (png: Uint8Array, x: number, y: number, width: number, height: number): string =>
  `<image x="${x}" y="${y}" width="${width}" height="${height}" preserveAspectRatio="none" href="data:image/png;base64,${Buffer.from(png).toString("base64")}"/>`;
