// A Python wheel: what it is of and for, and files out of it, each checked against the hash that the wheel records.
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Transform } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { parse } from "csv-parse/sync";
import { validateFileName } from "yauzl";
import { failed, wrongCall } from "../failures.ts";
import { type Entry, readZip } from "./zip.ts";

/** Bytes of a text in a package at most. */
const mostText = 2 ** 26;

/** A Python package, as a .whl file or installed. */
export interface PythonPackage {
  /** Its name in lower case with dashes: `tensorflow-cpu`. */
  readonly name: string;
  readonly version: string;
  /** The .whl file, or the site-packages folder. */
  readonly place: string;
  /** Its files, by their path from site-packages. */
  readonly files: readonly string[];
  /**
   * Copies one of its files.
   * @throws InnerloopError `hash-mismatch` where it is not what the package records
   */
  copy(file: string, to: string, signal: AbortSignal): Promise<void>;
  /** The text of one of its files. */
  text(file: string): Promise<string>;
}

/**
 * Opens a .whl file.
 * @throws InnerloopError `bad-wheel` (status 2) for one that is damaged, or for another system than this
 */
export async function openWheel(file: string): Promise<PythonPackage> {
  const entries = await readZip(file);
  const info = entries.find(({ name }) => /^[^/]+\.dist-info\/RECORD$/.test(name));
  const [, name, version] = /^([^/]+?)-([^/-]+)\.dist-info\//.exec(info?.name ?? "") ?? [];
  if (info === undefined || name === undefined || version === undefined)
    throw wrongCall("bad-wheel", `${file} is not a Python wheel (it has no .dist-info/RECORD); give a .whl file.`);
  const tag =
    basename(file)
      .replace(/\.whl$/i, "")
      .split("-")
      .at(-1) ?? "";
  if (!fitsHere(tag))
    throw wrongCall(
      "bad-wheel",
      `${basename(file)} is for ${tag}, and this is ${process.platform}-${process.arch}; get the wheel for this system: ` +
        `pip download --no-deps ${dashed(name)}==${version}`,
    );
  const entryOf = (path: string) => {
    const entry = entries.find((file) => file.name === path);
    if (entry) return entry;
    throw wrongCall("bad-wheel", `${file} has no ${path}; download it again, or give another.`);
  };
  const words = async (entry: Entry): Promise<string> => {
    if (entry.size > mostText)
      throw wrongCall(
        "bad-wheel",
        `${file}: ${entry.name} has ${entry.size} bytes, and a text of at most ${mostText} was expected.`,
      );
    return whole(file, async () => text(await entry.read()));
  };
  const hashes = recorded(await words(info));
  return {
    name: dashed(name),
    version,
    place: file,
    files: entries.map((entry) => entry.name),
    text: async (path) => words(entryOf(path)),
    copy: (path, to, signal) =>
      whole(file, async () => checkedCopy(await entryOf(path).read(), hashes.get(path), path, to, signal), signal),
  };
}

/** Unpacks, and says of what cannot be that the file is damaged. */
async function whole<T>(file: string, unpack: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await unpack();
  } catch (cause) {
    // zlib and the reader of archives say what is wrong with the bytes; all else has a code of its own or was the user's wish.
    const { code } = cause as NodeJS.ErrnoException;
    if (signal?.aborted || (code !== undefined && !code.startsWith("Z_"))) throw cause;
    throw wrongCall(
      "bad-wheel",
      `${file} is damaged (${(cause as Error).message}); download it again, or give another.`,
    );
  }
}

/** The packages that are installed in a site-packages folder, of the names that fit. */
export async function installedPackages(site: string, name: RegExp): Promise<PythonPackage[]> {
  const found: PythonPackage[] = [];
  for (const entry of await readdir(site).catch(() => [])) {
    const [, written, version] = /^(.+?)-([^-]+)\.dist-info$/.exec(entry) ?? [];
    if (written === undefined || version === undefined || !name.test(dashed(written))) continue;
    const record = await readFile(join(site, entry, "RECORD"), "utf8").catch(() => "");
    const hashes = recorded(record);
    found.push({
      name: dashed(written),
      version,
      place: site,
      files: [...hashes.keys()].filter(isInside),
      text: (path) => readFile(join(site, path), "utf8"),
      copy: (path, to, signal) => checkedCopy(createReadStream(join(site, path)), hashes.get(path), path, to, signal),
    });
  }
  return found;
}

const dashed = (name: string): string => name.toLowerCase().replaceAll(/[_.]+/g, "-");

/** Whether a wheel's platform tag, such as `manylinux_2_28_x86_64`, is one of this system. */
function fitsHere(tag: string, platform = process.platform, arch: string = process.arch): boolean {
  if (tag === "any") return true;
  const system = { linux: /^(many)?linux/, darwin: /^macosx/, win32: /^win/ }[platform as "linux"];
  const processor = { x64: /(x86_64|amd64|universal2)$/, arm64: /(aarch64|arm64|universal2)$/ }[arch as "x64"];
  return tag.split(".").some((part) => system?.test(part) && processor?.test(part));
}

/**
 * Whether a path of a RECORD stays in the folder of the packages: relative, with slashes, and no step up. Programs that a
 * package brings lie outside, and are of no use here.
 */
const isInside = (path: string): boolean => validateFileName(path) === null;

/** The hashes of a RECORD file: CSV with `path,sha256=<base64url>,<size>` a line. */
function recorded(record: string): Map<string, string> {
  const lines = parse(record, { relax_column_count: true, relax_quotes: true, skip_empty_lines: true });
  return new Map(
    lines.flatMap(([path = "", hash = ""]) => (hash.startsWith("sha256=") ? [[path, hash.slice(7)]] : [])),
  );
}

async function checkedCopy(
  from: NodeJS.ReadableStream,
  expected: string | undefined,
  what: string,
  to: string,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const hash = createHash("sha256");
  const hashing = new Transform({
    transform(chunk, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(from, hashing, createWriteStream(to), { signal }).finally(() => signal.throwIfAborted());
  if (expected === undefined || hash.digest("base64url") === expected) return;
  throw failed(
    "hash-mismatch",
    `${what} is not what its package records (SHA-256 differs); download or install the package again.`,
  );
}
