// What a call names on disk, looked at by one rule for all commands: what is not there, or is something else than was
// asked for, is a wrong call (status 2); what is there and cannot be read, or is damaged, is work that failed (status 1).
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { starterBundles } from "@innerloop/bundles";
import type { Learner, LoadOptions } from "@innerloop/runtime";
import { InnerloopError } from "@innerloop/schemas";
import { type Argument, wrongCall } from "../call/command.ts";
import { cut } from "../terminal/layout.ts";
import { commandLine, program } from "../terminal/output.ts";

/** What can be at a path. */
export type Place = "bundle" | "run" | "folder" | "file" | "nothing";

/**
 * What is at a path, or at a `file:` address.
 * @throws InnerloopError `path-unreadable` where the file system does not tell
 */
export async function placeAt(path: string): Promise<Place> {
  const info = await stat(pathOf(path)).catch((cause: NodeJS.ErrnoException) => {
    if (["ENOENT", "ENOTDIR", "ENAMETOOLONG"].includes(cause.code ?? "")) return undefined;
    throw new InnerloopError(
      "path-unreadable",
      `${shownPath(path)} cannot be read (${cause.code ?? cause.message}); check its permissions.`,
      {
        cause,
      },
    );
  });
  if (!info) {
    // An export that was killed in its last moment may have left the earlier bundle beside its place.
    const { putBack } = await import("@innerloop/runtime/files");
    return (await putBack(pathOf(path))) ? placeAt(path) : "nothing";
  }
  if (!info.isDirectory()) return "file";
  const holds = (file: string) => existsSync(join(pathOf(path), file));
  if (holds("manifest.json")) return "bundle";
  return holds("checkpoint.safetensors") ? "run" : "folder";
}

const foundText: Readonly<Record<Place, string>> = {
  bundle: "is a bundle",
  run: "is a run",
  folder: "is a folder that holds neither a bundle (manifest.json) nor a run (checkpoint.safetensors)",
  file: "is a file",
  nothing: "does not exist",
};

/** A path in a message: whole, unless it is no path but a flood. */
export const shownPath = (path: string): string => cut(path, 400);

/** Whether a bundle was named by its address in a network. */
export const isAddress = (bundle: string): boolean => /^https?:/i.test(bundle);

/** A path that was given as one, or as a `file:` address. */
export function pathOf(text: string): string {
  if (!/^file:/i.test(text)) return text;
  try {
    return fileURLToPath(text);
  } catch (cause) {
    throw wrongCall(
      "bad-call",
      `${shownPath(text)} is no address of a file here (${(cause as Error).message}); give its path.`,
    );
  }
}

const shipped = starterBundles.map(({ name }) => name).join(", ");

/** The argument of a command that takes a bundle. */
export const bundleArgument: Argument = {
  name: "BUNDLE",
  what: `the folder that export wrote, or a bundle that is there from the start: ${shipped}`,
  completes: { words: starterBundles.map(({ name }) => name), paths: true },
};

/** The folder of a bundle that ships with the packages, by its name. */
export const shippedBundle = (name: string): string | undefined =>
  starterBundles.find((bundle) => bundle.name === name)?.folder;

/**
 * The folder or address of a bundle that a call names: of one that ships with the packages, where its name is that of no
 * bundle and no run here.
 * @throws InnerloopError `bundle-missing` (status 2) for what is none; where a run was given, with the way to its bundle
 */
export async function bundleAt(bundle: string): Promise<string> {
  if (isAddress(bundle)) return bundle;
  const path = pathOf(bundle);
  const place = await placeAt(path);
  if (place === "bundle") return path;
  const starter = shippedBundle(bundle);
  if (starter && place !== "run") return starter;
  const own = join(path, "bundle");
  const advice =
    place !== "run"
      ? `check the path, or name one that is there from the start (${shipped})`
      : (await placeAt(own)) === "bundle"
        ? `its bundle is ${own}`
        : `make one of it: ${commandLine`export ${path}`}`;
  throw wrongCall(
    "bundle-missing",
    `${shownPath(path)} ${foundText[place]}; a bundle, the folder that ${program} export writes, was expected; ${advice}.`,
  );
}

/**
 * The folder of a run that a call names.
 * @throws InnerloopError `run-missing` (status 2) for what is none
 */
export async function runAt(run: string): Promise<string> {
  const path = pathOf(run);
  const place = await placeAt(path);
  // A run that was exported into its own folder is both.
  if (existsSync(join(path, "checkpoint.safetensors"))) return path;
  throw wrongCall(
    "run-missing",
    `${shownPath(path)} ${foundText[place]}; a run, the folder that ${program} train writes, was expected; check the path.`,
  );
}

/**
 * Opens the bundle that a call names.
 * @throws InnerloopError as {@link bundleAt}, and what `Learner.load` throws
 */
export async function openBundle(bundle: string, options: LoadOptions): Promise<Learner> {
  const place = await bundleAt(bundle);
  const { Learner } = await import("@innerloop/runtime");
  return Learner.load(place, options);
}

/**
 * What `adapt` saved, for a bundle.
 * @throws InnerloopError `params-missing` (status 2) where there is no such file; what `restore` throws, with status 2 for a
 *   file that is whole and belongs to something else
 */
export async function openParams(learner: Learner, params: string): Promise<Awaited<ReturnType<Learner["restore"]>>> {
  const path = await paramsAt(params);
  try {
    return await learner.restore(path);
  } catch (cause) {
    throw asWrongCall(cause);
  }
}

/** The path of what `adapt` saved. @throws InnerloopError `params-missing` (status 2) where there is no such file */
export async function paramsAt(params: string): Promise<string> {
  const path = pathOf(params);
  const place = await placeAt(path);
  if (place === "file") return path;
  throw wrongCall(
    "params-missing",
    `${shownPath(path)} ${foundText[place]}; a file that ${program} adapt wrote (--out) was expected; check the path.`,
  );
}

/** A file that is whole and belongs to another bundle was named wrongly. */
export function asWrongCall(cause: unknown): unknown {
  const { code, message } = cause as InnerloopError;
  return code === "other-bundle" ? new InnerloopError(code, message, { exitStatus: 2, cause }) : cause;
}
