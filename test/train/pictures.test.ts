// Pictures as people have them: of every depth and size, and what is in their place. Sizes are bounded before pixels are made.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ImagePreprocessing } from "@innerloop/schemas";
import { loadImage } from "@innerloop/train";
import { encode } from "fast-png";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { tiff } from "./tiff.ts";

const folder = temporaryFolder("pictures");

const how: ImagePreprocessing = { kind: "image", width: 4, height: 1, channels: 1, invert: false, mean: 0, std: 1 };
const shares = [0, 0.25, 0.5, 1];
const refusal = (picture: Uint8Array): Promise<{ code: string; message: string }> =>
  loadImage(picture, how).then(
    (pixels) => ({ code: "taken", message: String(pixels) }),
    (cause) => cause,
  );

describe("numbers that are no bytes", () => {
  const png16 = (values: readonly number[]): Uint8Array =>
    encode({ width: values.length, height: 1, data: Uint16Array.from(values), channels: 1, depth: 16 });

  test.each([
    ["PNG", png16(shares.map((it) => it * 65535))],
    [
      "grey TIFF",
      tiff(
        4,
        1,
        1,
        "u16",
        Uint16Array.from(shares, (it) => it * 65535),
      ),
    ],
    ["RGB TIFF", tiff(4, 1, 3, "u16", Uint16Array.from(shares.flatMap((it) => [it, it, it].map((v) => v * 65535))))],
  ])("16 bits of the whole range are scaled to bytes: %s", async (_, picture) => {
    const pixels = await loadImage(picture, how);
    shares.forEach((share, i) => {
      expect(Math.abs(pixels[i]! - share)).toBeLessThanOrEqual(1 / 255);
    });
  });

  test.each([10, 12, 14])("%i bits in 16 are refused by name", async (bits) => {
    const values = Uint16Array.from(shares, (it) => it * (2 ** bits - 1));
    for (const picture of [png16([...values]), tiff(4, 1, 1, "u16", values)]) {
      const { code, message } = await refusal(picture);
      expect(code).toBe("image-unscaled");
      expect(message).toMatch(/16-bit numbers in the darkest .* as 10, 12 or 14 bits .* scaled so that black is 0/);
    }
  });

  test("a dark AVIF is taken, whatever its bits: it says itself how many it has", async () => {
    const dark = sharp(new Uint16Array(64).fill(8000), { raw: { width: 8, height: 8, channels: 1 } });
    const avif = await dark.toColourspace("rgb16").avif({ bitdepth: 12, lossless: true }).toBuffer();
    expect((await sharp(avif).metadata()).depth).toBe("ushort");
    for (const pixel of await loadImage(new Uint8Array(avif), how)) expect(pixel).toBeCloseTo(8000 / 65535, 1);
  });

  test("black in 16 bits is black", async () => {
    expect([...(await loadImage(png16([0, 0, 0, 0]), how))]).toEqual([0, 0, 0, 0]);
  });

  test.each([
    ["f32", Float32Array.from(shares), /floating-point numbers/],
    ["f32", Float32Array.from(shares, (it) => it * 255), /floating-point numbers/],
    ["f16", Uint16Array.of(0, 0x3400, 0x3800, 0x3c00), /floating-point numbers/],
    ["u32", Uint32Array.from(shares, (it) => it * (2 ** 32 - 1)), /32-bit numbers/],
    ["i32", Int32Array.from(shares, (it) => it * (2 ** 31 - 1)), /32-bit numbers with a sign/],
    ["i16", Int16Array.from(shares, (it) => it * 32767), /16-bit numbers with a sign/],
    ["i8", Int8Array.from(shares, (it) => it * 127), /8-bit numbers with a sign/],
  ])("%s of a TIFF are refused by name", async (kind, data, name) => {
    const { code, message } = await refusal(tiff(4, 1, 1, kind, data));
    expect(code).toBe("image-unscaled");
    expect(message).toMatch(name);
    expect(message).toContain("Save it as 8-bit or 16-bit PNG or TIFF");
  });
});

describe("what is no picture of pixels, or too large a one", () => {
  const text = (words: string): Uint8Array => new TextEncoder().encode(words);
  const size = 'width="20000" height="20000"';

  test.each([
    [
      "an SVG",
      text(`<svg xmlns="http://www.w3.org/2000/svg" ${size}/>`),
      /SVG drawing, which has no pixels; expected PNG/,
    ],
    ["an SVG with a head", text(`<?xml version="1.0"?>\n<!-- made -->\n<svg ${size}/>`), /SVG drawing/],
    ["a PDF", text("%PDF-1.7\n"), /PDF document/],
    ["a HEIC", text("\0\0\0\x18ftypheic\0\0\0\0"), /HEIC picture/],
    ["a web page", text("\n<!DOCTYPE html>\n<html></html>"), /it is a web page \(HTML\)/],
    ["a pointer of Git LFS", text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), /git lfs pull/],
    ["a pointer of git-annex", text("/annex/objects/SHA256E-s1--ab.png\n"), /git annex get/],
    ["nothing", new Uint8Array(0), /it is empty/],
  ])("%s is said to be one", async (_, picture, what) => {
    const { code, message } = await refusal(picture);
    expect(code).toBe("image-broken");
    expect(message).toMatch(what);
  });

  test.each([
    [16384, 16384],
    [1, 70_000],
  ])("%i×%i pixels are refused before they are there", async (width, height) => {
    const picture = await sharp({ create: { width, height, channels: 3, background: "red" }, limitInputPixels: false })
      .png()
      .toBuffer();
    const { code, message } = await refusal(new Uint8Array(picture));
    expect(code).toBe("image-too-large");
    expect(message).toContain(`it has ${width}×${height} pixels; at most 67108864 are read, and 65535 on a side`);
  });
});

test("nobody waits for pictures of a server that does not answer", async () => {
  const urls = Array.from({ length: 8 }, (_, i) => `/${i}.png`);
  const server = createServer();
  const asked = new Promise<void>((resolve) => {
    const open = new Set(urls);
    server.on("request", ({ url }) => void (open.delete(url!) && open.size === 0 && resolve()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const waiting = urls.map((url) => loadImage(`http://127.0.0.1:${port}${url}`, how));
  const file = join(folder, "near.png");
  writeFileSync(file, encode({ width: 4, height: 1, data: Uint8Array.of(0, 51, 102, 255), channels: 1, depth: 8 }));
  expect([...(await loadImage(file, how))].map((it) => Math.round(it * 255))).toEqual([0, 51, 102, 255]);
  const ended = Promise.allSettled(waiting);
  // Nothing is under way that would look for the server after it is gone.
  await asked;
  server.closeAllConnections();
  server.close();
  for (const outcome of await ended) expect(outcome).toMatchObject({ reason: { code: "file-unreachable" } });
});

test.skipIf(process.platform === "win32")("too many open files are said to be that", () => {
  const script = join(folder, "handles.mjs");
  const file = join(folder, "handles.png");
  writeFileSync(file, encode({ width: 4, height: 1, data: Uint8Array.of(0, 51, 102, 255), channels: 1, depth: 8 }));
  writeFileSync(
    script,
    `import { openSync } from "node:fs";
import { readPicture } from ${JSON.stringify(import.meta.resolve("@innerloop/runtime/input"))};
const [file] = process.argv.slice(2);
await readPicture(file);
try { for (;;) openSync(file); } catch {}
await readPicture(file).catch((cause) => console.log(cause.code, cause.message));`,
  );
  const args = ["-c", 'ulimit -n 96; exec "$@"', "sh", process.execPath, script, file];
  expect(execFileSync("sh", args, { encoding: "utf8" })).toMatch(
    /^file-unreadable .*EMFILE.*; open fewer files at a time, or allow more \(ulimit -n\)/,
  );
});

test("the text of a file: URL is a path", async () => {
  const file = join(folder, "ein Bild.png");
  writeFileSync(file, encode({ width: 4, height: 1, data: Uint8Array.of(0, 85, 170, 255), channels: 1, depth: 8 }));
  expect([...(await loadImage(pathToFileURL(file).href, how))]).toEqual([...(await loadImage(file, how))]);
  await expect(loadImage("file://elsewhere/a.png", how)).rejects.toMatchObject({ code: "bad-option", exitStatus: 2 });
});
