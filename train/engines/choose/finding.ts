// What entries find out about packages and, by a trial in a process of its own, about native code.
import { createRequire } from "node:module";
import { probe } from "../children/probe.ts";
import { processor } from "./devices.ts";
import type { Finding } from "./entry.ts";

const load = createRequire(import.meta.url);

/** The version of a package; nothing where it is not installed. */
export function versionOf(packageName: string): string | undefined {
  try {
    return (load(`${packageName}/package.json`) as { readonly version: string }).version;
  } catch {
    return undefined;
  }
}

export const missing = (reason: string, remedy?: string): Finding => ({
  available: false,
  reason,
  ...(remedy === undefined ? {} : { remedy }),
});

export const computing = (
  version: string | undefined,
  device: string | undefined,
): Pick<Finding, "version" | "device"> => ({
  ...(version === undefined ? {} : { version }),
  ...(device === undefined ? {} : { device }),
});

/** What a trial in another process says. */
export async function tried(name: string, version: string | undefined, remedy: string): Promise<Finding> {
  const found = await probe(name);
  if (!found.works) return { ...computing(version, undefined), ...missing(found.failure, remedy) };
  return {
    available: true,
    ...computing(found.version ?? version, found.device),
    ...(found.software ? { onlyByName: "a GPU in software is slower than the processor" } : {}),
  };
}

/** A package of JavaScript or WebAssembly, which cannot take a process down. */
export const packaged = (packageName: string) => (): Finding => {
  const version = versionOf(packageName);
  return version === undefined
    ? missing(`${packageName} is not installed`, `npm install ${packageName}`)
    : { available: true, ...computing(version, processor()) };
};

export const graphicsDriver =
  process.platform === "linux" ? "install the GPU's driver for Vulkan, and libvulkan1" : "install the GPU's driver";
