// Which shared libraries a native file of Linux needs and this machine does not have, told without loading it: what it says
// of itself in its ELF dynamic section, looked up where the system's loader would look (ld.so(8)).
import { execFileSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, readSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** What an ELF file says of itself. */
export interface NativeFile {
  /** The processor it is for, as Node calls it in `process.arch`; undefined for others than x64 and arm64. */
  readonly arch: string | undefined;
  /** The names of the libraries that are loaded with it. */
  readonly needs: readonly string[];
  /** The folders that it asks to be searched, `$ORIGIN` made plain. */
  readonly folders: readonly string[];
}

/** A library that is missing, and what brings it. */
export interface MissingLibrary {
  readonly name: string;
  /** What to install, in words. */
  readonly remedy: string;
}

const machines: Readonly<Record<number, string>> = { 62: "x64", 183: "arm64" };

/** Reads an ELF file of 64 bits in little-endian order; undefined for any other file. Only a few pages of it are read. */
export function readNativeFile(file: string): NativeFile | undefined {
  const handle = openSync(file, "r");
  try {
    const read = (offset: number, length: number): DataView => {
      const bytes = new Uint8Array(length);
      const count = readSync(handle, bytes, 0, length, offset);
      if (count < length) throw new RangeError("the file is cut short");
      return new DataView(bytes.buffer);
    };
    const long = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));
    const header = read(0, 64);
    if (header.getUint32(0) !== 0x7f454c46 || header.getUint16(4) !== 0x0201) return undefined;
    const arch = machines[header.getUint16(18, true)];
    // Program headers: type, offset, address and size of every segment.
    const [start, size, count] = [long(header, 32), header.getUint16(54, true), header.getUint16(56, true)];
    const table = read(start, size * count);
    const segments = Array.from({ length: count }, (_, i) => ({
      type: table.getUint32(i * size, true),
      offset: long(table, i * size + 8),
      address: long(table, i * size + 16),
      bytes: long(table, i * size + 32),
    }));
    const dynamic = segments.find(({ type }) => type === 2);
    if (dynamic === undefined) return { arch, needs: [], folders: [] };
    const view = read(dynamic.offset, dynamic.bytes);
    const entries = Array.from({ length: dynamic.bytes / 16 }, (_, i) => [long(view, 16 * i), long(view, 16 * i + 8)]);
    const tagged = (tag: number) => entries.find((entry) => entry[0] === tag)?.[1];
    const address = tagged(5);
    const place = segments.find(
      (segment) =>
        segment.type === 1 &&
        address !== undefined &&
        segment.address <= address &&
        address < segment.address + segment.bytes,
    );
    if (address === undefined || place === undefined) return { arch, needs: [], folders: [] };
    const texts = read(place.offset + address - place.address, tagged(10) ?? 0);
    const text = (at: number): string => {
      const bytes = new Uint8Array(texts.buffer, at);
      return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
    };
    const searched = tagged(29) ?? tagged(15);
    const origin = dirname(file);
    return {
      arch,
      needs: entries.filter(([tag]) => tag === 1).map(([, at]) => text(at!)),
      folders: (searched === undefined ? "" : text(searched))
        .split(":")
        .filter((folder) => folder !== "")
        .map((folder) => folder.replace(/\$ORIGIN|\$\{ORIGIN\}/, origin)),
    };
  } catch (cause) {
    if (cause instanceof RangeError) return undefined;
    throw cause;
  } finally {
    closeSync(handle);
  }
}

/** What ONNX Runtime's CUDA provider loads later than itself: without cuDNN it has no convolutions. */
export const cudaProviderLoads: readonly string[] = ["libcudnn.so.9"];

/** Libraries in words: `libcudart.so.12 (CUDA 12), libcuda.so.1 (the NVIDIA driver)`. */
export const showLibraries = (missing: readonly MissingLibrary[]): string =>
  missing.map(({ name, remedy }) => `${name} (${remedy})`).join(", ");

/** Settings of {@link missingLibraries}. */
export interface MissingOptions {
  /** Names of libraries that the file loads later on. */
  readonly also?: readonly string[];
  /** Folders that would be in LD_LIBRARY_PATH too. */
  readonly folders?: readonly string[];
}

/**
 * The libraries that a native file needs, directly or through others, and that are not on this machine. Empty on systems
 * other than Linux, where this cannot be told.
 */
export function missingLibraries(file: string, { also = [], folders = [] }: MissingOptions = {}): MissingLibrary[] {
  if (process.platform !== "linux") return [];
  const named = (process.env.LD_LIBRARY_PATH ?? "").split(":").filter((folder) => folder !== "");
  const system = [...folders, ...named, ...systemFolders()];
  const cached = new Map([...cache(), ...loaded()]);
  const missing = new Map<string, MissingLibrary>();
  const seen = new Set<string>();
  const visit = (path: string, further: readonly string[] = []) => {
    const found = readNativeFile(path);
    for (const name of [...(found?.needs ?? []), ...further]) {
      if (seen.has(name)) continue;
      seen.add(name);
      const place = [...(found?.folders ?? []), ...system].map((folder) => join(folder, name)).find(existsSync);
      const library = place ?? cached.get(name);
      if (library === undefined) missing.set(name, { name, remedy: remedyFor(name) });
      else visit(realpathSync(library));
    }
  };
  visit(file, also);
  return [...missing.values()];
}

function systemFolders(): string[] {
  const triple = process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  return [`/lib/${triple}`, `/usr/lib/${triple}`, "/lib64", "/usr/lib64", "/lib", "/usr/lib"];
}

/** What this process has loaded already, by name: the loader takes it wherever it lies. */
function loaded(): Map<string, string> {
  try {
    const paths = readFileSync("/proc/self/maps", "utf8").matchAll(/ (\/.*\.so[.\d]*)$/gm);
    return new Map([...paths].map(([, path]) => [basename(path!), path!]));
  } catch {
    return new Map();
  }
}

/** What the loader's cache knows: names of libraries, and where they are. */
function cache(): Map<string, string> {
  const run = ["/sbin/ldconfig", "/usr/sbin/ldconfig"].find(existsSync);
  if (run === undefined) return new Map();
  try {
    const listed = execFileSync(run, ["-p"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const lines = [...listed.matchAll(/^\s+(\S+) \(.*\) => (.+)$/gm)];
    // The first one that is listed is the one that the loader takes.
    return new Map(lines.reverse().map(([, name, path]) => [name!, path!]));
  } catch {
    return new Map();
  }
}

function remedyFor(name: string): string {
  const version = /\.so\.(\d+)/.exec(name)?.[1];
  if (/^libcuda\.so|^libnvidia-/.test(name)) return "the NVIDIA driver";
  if (name.startsWith("libcudnn")) return `cuDNN ${version ?? ""}`.trim();
  const cuda = /^libcu(?:dart|blas|blasLt)\.so\.(\d+)/.exec(name)?.[1];
  if (cuda !== undefined) return `CUDA ${cuda}`;
  if (/^lib(?:cu|nv)/.test(name)) return "CUDA";
  return `the package of your system that holds ${name}`;
}
