// Decoding pictures in Node: sharp, where it is installed. It is not needed for anything else. What a file says of itself is
// read before its pixels are: a small file can claim more of them than there is memory, and numbers that are no bytes would
// become a black picture without a word.
import { InnerloopError, mistaken } from "@innerloop/schemas/bundle";
import { isBytes } from "../bytes.ts";
import { checkRange, checkSize, mostPixels, type Picture, unscaled } from "../pictures.ts";

/** Pixels that are decoded at a time, by however many callers: what they take in memory is a few times as many bytes. */
const atATime = 2 ** 25;

/** As the host's decoder says: the first frame, upright (EXIF). */
export async function decode(source: object, name: string): Promise<Picture | undefined> {
  if (!isBytes(source)) return undefined;
  const sharp = await load();
  checkFormat(source, name);
  const options = { failOn: "error", limitInputPixels: mostPixels } as const;
  let done: (() => void) | undefined;
  try {
    const { width, height, depth, format } = await sharp(source, { ...options, limitInputPixels: false }).metadata();
    checkSize(width, height, name);
    checkDepth(depth, name);
    done = await room(width * height);
    const { data, info } = await sharp(source, options)
      .autoOrient()
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    // AVIF says itself how many bits it has.
    if (depth !== "uchar" && format !== "heif") checkRange(data, info.channels, name);
    return { data, width: info.width, height: info.height };
  } catch (cause) {
    if (cause instanceof InnerloopError) throw cause;
    throw broken(name, `cannot be read as an image (${(cause as Error).message.split("\n")[0]})`, cause);
  } finally {
    done?.();
  }
}

/** How the formats that are read start; everything else is refused before sharp sees it. A control character is a dot. */
const readableStart = /^(.PNG\.\.\.\.|ÿØÿ|GIF8[79]a|RIFF.{4}WEBP|II[*+]\.|MM\.[*+]|.{4}ftyp(avi[fs]|mif1|msf1|miaf))/s;

/** What people also have, by how it starts: drawings, which have no pixels, and formats that need a decoder of their own. */
const notRead: readonly (readonly [start: RegExp, what: string])[] = [
  [
    /^[\s.]*(<\?xml[^>]*>[\s.]*)?(<!--[^>]*-->[\s.]*)*(<!DOCTYPE svg[^>]*>[\s.]*)?<svg\b/i,
    "an SVG drawing, which has no pixels",
  ],
  [/^%PDF/, "a PDF document"],
  [/^(%!PS|ÅÐÓÆ)/, "a PostScript drawing"],
  [/^(×ÍÆ\.|.{40} EMF)/s, "a Windows metafile, a drawing without pixels"],
  [/^.{4}ftyp(hei[cmsx]|hev[cmx])/s, "a HEIC picture, as telephones take them"],
  [/^(\.{4}JXL |ÿ\.)/, "a JPEG XL picture"],
  [/^(\.{4}jP {2}|ÿOÿQ)/, "a JPEG 2000 picture"],
  [/^BM/, "a BMP picture"],
  [/^8BPS/, "a Photoshop document"],
  [/^PK\.\./, "a zip archive"],
];

function checkFormat(bytes: Uint8Array, name: string): void {
  const start = String.fromCharCode(...bytes.subarray(0, 512)).replace(/\p{Cc}/gu, ".");
  if (readableStart.test(start)) return;
  const other = mistaken(bytes);
  if (other !== undefined) throw new InnerloopError("image-broken", `${name}: ${other}`);
  const what = notRead.find(([format]) => format.test(start))?.[1];
  throw broken(name, what === undefined ? "cannot be read as an image (it starts like none)" : `it is ${what}`);
}

/** The numbers of a picture, as they are stored, where these are no bytes. */
const numberTypes: Readonly<Record<string, string>> = {
  char: "8-bit numbers with a sign",
  short: "16-bit numbers with a sign",
  uint: "32-bit numbers",
  int: "32-bit numbers with a sign",
  float: "floating-point numbers",
  double: "floating-point numbers of 64 bits",
};

/** Bytes, and 16 bits without a sign, have a black and a white; what these are among other numbers no file says. */
function checkDepth(depth: string | undefined, name: string): void {
  if (depth === "uchar" || depth === "ushort") return;
  throw unscaled(
    `it holds ${numberTypes[depth ?? ""] ?? `numbers of the kind ${depth}`}, and not what black and white are`,
    name,
  );
}

function broken(name: string, what: string, cause?: unknown): InnerloopError {
  return new InnerloopError(
    "image-broken",
    `${name}: ${what}; expected PNG, JPEG, WebP, GIF, TIFF or AVIF. Replace the file or take it away`,
    { cause },
  );
}

let free = atATime;
const waiting: (() => void)[] = [];

/** Waits until so many pixels may be decoded. @returns what is to be called afterwards */
async function room(pixels: number): Promise<() => void> {
  const wanted = Math.min(pixels, atATime);
  while (free < wanted) await new Promise<void>((resume) => waiting.push(resume));
  free -= wanted;
  return () => {
    free += wanted;
    for (const resume of waiting.splice(0)) resume();
  };
}

async function load() {
  try {
    return (await import("sharp")).default;
  } catch (cause) {
    throw new InnerloopError(
      "sharp-missing",
      `sharp could not be loaded (${(cause as Error).message.split("\n")[0]}); it decodes image files in Node; ` +
        "install it: npm install sharp, or give decoded pixels: { data, width, height }",
      { cause },
    );
  }
}
