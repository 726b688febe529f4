// Decoding pictures in Node: sharp, where it is installed. It is not needed for anything else.
import { InnerloopError } from "@innerloop/schemas/bundle";
import type { Picture } from "../pictures.ts";

/** As the host's decoder says: the first frame, upright (EXIF). */
export async function decode(source: object, name: string): Promise<Picture | undefined> {
  if (!(source instanceof Uint8Array)) return undefined;
  const sharp = await load();
  try {
    const { data, info } = await sharp(source, { failOn: "error" })
      .autoOrient()
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height };
  } catch (cause) {
    throw new InnerloopError(
      "image-broken",
      `${name}: cannot be read as an image (${(cause as Error).message.split("\n")[0]}); ` +
        "expected PNG, JPEG, WebP, GIF, TIFF or AVIF. Replace the file or take it away",
      { cause },
    );
  }
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
