// Decoding pictures in pages and workers: whatever can be drawn on a canvas is read from one.
import { InnerloopError, mistaken } from "@innerloop/schemas/bundle";
import { isBytes } from "../bytes.ts";
import { checkRange, checkSize, type Picture } from "../pictures.ts";
import { badInput } from "../refusal.ts";

export const takes = "an image or video element, canvas, ImageBitmap, VideoFrame";

/** As the host's decoder says; pictures come in their own size, whatever a page shows them at. */
export async function decode(source: object, name: string): Promise<Picture | undefined> {
  const header = isBytes(source) ? pngHeader(source) : undefined;
  if (header) checkSize(header.width, header.height, name);
  const bitmap = isBytes(source) ? await bitmapOf(source, name) : undefined;
  const drawable: Drawable = bitmap ?? source;
  // An image element that is still loading, or has failed to.
  await drawable.decode?.().catch((cause: unknown) => {
    throw broken(name, cause);
  });
  const width = drawable.naturalWidth ?? drawable.videoWidth ?? drawable.displayWidth ?? drawable.width;
  const height = drawable.naturalHeight ?? drawable.videoHeight ?? drawable.displayHeight ?? drawable.height;
  if (typeof width !== "number" || typeof height !== "number") return undefined;
  if (!(width > 0 && height > 0)) throw badInput(`${name} has no pixels yet; wait until it is loaded or plays`);
  try {
    checkSize(width, height, name);
    const context = canvasOf(width, height).getContext("2d", { willReadFrequently: true });
    context.drawImage(drawable, 0, 0, width, height);
    const picture = context.getImageData(0, 0, width, height);
    if (header?.depth === 16) checkRange(picture.data, 4, name);
    return picture;
  } catch (cause) {
    if (cause instanceof InnerloopError) throw cause;
    if ((cause as Error).name === "TypeError") return undefined;
    if ((cause as Error).name !== "SecurityError") throw broken(name, cause);
    throw new InnerloopError(
      "image-unreadable",
      `${name} comes from another origin, and the browser lets nobody read its pixels; ` +
        'set crossOrigin = "anonymous" on it before its address, and have its server send Access-Control-Allow-Origin',
      { cause },
    );
  } finally {
    bitmap?.close();
  }
}

/** What a PNG says of itself before its pixels (ISO/IEC 15948, 11.2.2); of other formats the browser tells it with them. */
function pngHeader(bytes: Uint8Array): { width: number; height: number; depth: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 25 || view.getUint32(0) !== 0x89504e47) return undefined;
  return { width: view.getUint32(16), height: view.getUint32(20), depth: view.getUint8(24) };
}

async function bitmapOf(bytes: Uint8Array, name: string): Promise<Drawable & { close(): void }> {
  try {
    return await globals.createImageBitmap(new Blob([bytes as Uint8Array<ArrayBuffer>]));
  } catch (cause) {
    const other = mistaken(bytes);
    throw other === undefined
      ? broken(name, cause)
      : new InnerloopError("image-broken", `${name}: ${other}`, { cause });
  }
}

function broken(name: string, cause: unknown): InnerloopError {
  return new InnerloopError(
    "image-broken",
    `${name}: cannot be read as an image (${(cause as Error).message}); expected what this browser shows, such as PNG, JPEG or WebP`,
    { cause },
  );
}

function canvasOf(width: number, height: number): Canvas {
  if (globals.OffscreenCanvas) return new globals.OffscreenCanvas(width, height);
  return Object.assign(globals.document!.createElement("canvas"), { width, height });
}

/** What this file uses of what pages draw: an image has natural sizes, a video its own, a frame those to be shown. */
interface Drawable {
  readonly width?: unknown;
  readonly height?: unknown;
  readonly naturalWidth?: number;
  readonly naturalHeight?: number;
  readonly videoWidth?: number;
  readonly videoHeight?: number;
  readonly displayWidth?: number;
  readonly displayHeight?: number;
  decode?(): Promise<void>;
}

interface Canvas {
  getContext(
    kind: "2d",
    options: { willReadFrequently: boolean },
  ): {
    drawImage(source: Drawable, x: number, y: number, width: number, height: number): void;
    getImageData(x: number, y: number, width: number, height: number): Picture;
  };
}

/** What this file uses of a page's or a worker's globals. */
const globals = globalThis as unknown as {
  readonly OffscreenCanvas?: new (width: number, height: number) => Canvas;
  readonly document?: { createElement(name: "canvas"): Canvas };
  createImageBitmap(blob: Blob): Promise<Drawable & { close(): void }>;
};
