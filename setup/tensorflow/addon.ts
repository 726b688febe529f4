// Builds tfjs-node's addon against a TensorFlow from pip. The addon speaks N-API and TensorFlow's C interface, both stable, so
// that sources and headers from npm and the system's compiler are all it takes.
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { failed } from "../failures.ts";
import { lastLines, runProgram } from "../program.ts";
import type { Work } from "../work.ts";
import { type FoundTensorFlow, tensorFlowLibraries } from "./find-tensorflow.ts";
import { writeStackFiles } from "./stack-files.ts";

const name = "@tensorflow/tfjs-node";

/**
 * Makes a stack of tfjs-node with its addon built against TensorFlow.
 * @param version of tfjs-node: that of the project's tfjs-core
 * @throws InnerloopError `npm-missing`, `network`, `compiler-missing`, `build-failed`
 */
export async function buildAddon(
  folder: string,
  tensorflow: FoundTensorFlow,
  version: string,
  work: Work,
): Promise<void> {
  const { signal } = work;
  work.onMessage("Fetching the sources of tfjs-node from npm …");
  await fetchPackages(folder, { [name]: version, "google-protobuf": "3", "node-api-headers": "1" }, signal);
  const sources = join(folder, "node_modules", name, "binding");
  const headers = join(folder, "node_modules", "node-api-headers");
  await mkdir(join(folder, "addon"));
  const first = join(folder, "addon", "first.cc");
  await writeFile(first, openFirst(tensorflow.nvidia));
  const compiler = await compilerHere(folder, signal);
  work.onMessage(`Building the addon against ${tensorflow.what} with ${compiler} …`);
  const { status, stderr, stdout } = await runProgram(
    compiler,
    [
      ...["-std=c++17", "-O2", "-fPIC", "-DNAPI_VERSION=8", "-w"],
      ...(process.platform === "darwin" ? ["-bundle", "-undefined", "dynamic_lookup"] : ["-shared"]),
      ...[join(headers, "include"), join(tensorflow.folder, "include")].map((folder) => `-I${folder}`),
      ...["tfjs_backend.cc", "tfjs_binding.cc"].map((file) => join(sources, file)),
      first,
      ...tensorFlowLibraries.map((file) => join(tensorflow.folder, file)),
      `-Wl,-rpath,${tensorflow.unpacked ? besideAddon(folder, tensorflow.folder) : tensorflow.folder}`,
      ...(process.platform === "darwin" ? [] : ["-ldl"]),
      ...["-o", join(folder, "addon", "tfjs_binding.node")],
    ],
    { cwd: folder, signal },
  );
  if (status !== 0 && /No space left on device/.test(stderr))
    throw failed("disk-full", "The disk is full; make room, then call it again. Nothing was changed.");
  if (status !== 0)
    throw failed(
      "build-failed",
      `The addon could not be built against ${tensorflow.what}; try another version of TensorFlow. ${compiler} said:\n${lastLines(stderr || stdout)}`,
    );
  await rm(first);
  await rm(headers, { recursive: true });
  if (tensorflow.unpacked) await rm(join(tensorflow.folder, "include"), { recursive: true, force: true });
  await writeStackFiles(folder, name, "addon/tfjs_binding.node", tensorflow.cuda);
}

/** The folder of the libraries as seen from the addon, wherever the stack is moved. */
const besideAddon = (folder: string, libraries: string): string =>
  `${process.platform === "darwin" ? "@loader_path" : "$ORIGIN"}/${relative(join(folder, "addon"), libraries)}`;

/**
 * Opens NVIDIA's libraries before TensorFlow looks for them by name. TensorFlow's library has search folders of its own, in
 * which not all of pip's are, and an addon's do not apply to it; a library that is open already is taken wherever it lies.
 * One that does not open is left to TensorFlow, which says so.
 */
const openFirst = (files: readonly string[]): string => `#include <dlfcn.h>
namespace {
struct OpenFirst {
  OpenFirst() {
    const char* files[] = {${[...files.map((file) => JSON.stringify(file)), "nullptr"].join(", ")}};
    for (const char** file = files; *file != nullptr; ++file) dlopen(*file, RTLD_LAZY | RTLD_GLOBAL);
  }
} open_first;
}  // namespace
`;

/** Fetches packages from npm into `node_modules`, without what they depend on and without running their scripts. */
async function fetchPackages(folder: string, packages: Readonly<Record<string, string>>, signal: AbortSignal) {
  for (const [wanted, version] of Object.entries(packages)) {
    const place = await mkdir(join(folder, "fetched"), { recursive: true }).then(() => join(folder, "fetched"));
    const packed = await runProgram("npm", ["pack", `${wanted}@${version}`, "--loglevel=error"], {
      cwd: place,
      signal,
    });
    if (packed.status !== 0) throw npmFailure(packed, `${wanted}@${version}`);
    const archive = (await readdir(place)).find((file) => file.endsWith(".tgz"));
    if (archive === undefined) throw npmFailure(packed, `${wanted}@${version}`);
    const unpacked = await runProgram("tar", ["-xzf", archive], { cwd: place, signal });
    const inside = (await readdir(place, { withFileTypes: true })).find((entry) => entry.isDirectory())?.name;
    if (unpacked.status !== 0 || inside === undefined)
      throw failed(
        "tar-missing",
        `${archive} could not be unpacked; the program tar is needed: ${lastLines(unpacked.stderr, 3) || "install it"}`,
      );
    const target = join(folder, "node_modules", wanted);
    await mkdir(join(target, ".."), { recursive: true });
    await rename(join(place, inside), target);
    await rm(place, { recursive: true });
  }
}

/** Why npm did not do it, and what to do. */
export function npmFailure({ status, stderr, stdout }: Awaited<ReturnType<typeof runProgram>>, what: string): Error {
  if (status === undefined)
    return failed("npm-missing", "The program npm is not found; it comes with Node; put it on the PATH.");
  const words = stderr || stdout;
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|network/i.test(words))
    return failed(
      "network",
      `npm cannot reach what ${what} is downloaded from; check the network or npm's proxy and registry settings, then call it again. npm said:\n${lastLines(words, 4)}`,
    );
  if (/ENOSPC/.test(words)) return failed("disk-full", "The disk is full; make room, then call it again.");
  return failed("npm-failed", `npm could not fetch ${what}. It said:\n${lastLines(words)}`);
}

async function compilerHere(folder: string, signal: AbortSignal): Promise<string> {
  const asked = process.env.CXX;
  for (const compiler of asked ? [asked] : ["c++", "g++", "clang++"]) {
    const { status } = await runProgram(compiler, ["--version"], { cwd: folder, signal });
    if (status === 0) return compiler;
  }
  const how =
    process.platform === "darwin"
      ? "xcode-select --install"
      : "apt install g++ (Debian, Ubuntu) or dnf install gcc-c++ (Fedora, RHEL)";
  throw failed(
    "compiler-missing",
    asked
      ? `The C++ compiler ${asked}, which CXX names, does not run; correct CXX, or unset it.`
      : `There is no C++ compiler here (c++, g++ and clang++ were looked for); install one: ${how}.`,
  );
}
