// A manifest is checked whole, by its schema and for what it says in several places: where bundles are made. A device checks
// what it relies on (check.ts).
import { contradiction } from "./check.ts";
import { InnerloopError } from "./errors.ts";
import { manifestSchema as schema, manifest as validator } from "./generated/validators.js";
import type { Manifest } from "./manifest.ts";
import { misfit } from "./preprocessing.ts";
import { show } from "./text.ts";
import { checkFormat } from "./validate.ts";

/** The version of the manifest format that this release writes, and the newest that it reads. */
export const MANIFEST_VERSION = 1;

export const manifestSchema = schema;

/**
 * Checks a parsed manifest.json, and that what it says in several places goes together. Keys that the format does not name
 * are let through.
 *
 * @param source the file's name, for messages
 * @throws InnerloopError `manifest-invalid`, or `newer-version` when a later release wrote it.
 */
export function validateManifest(value: unknown, source: string): Manifest {
  checkFormat(
    {
      title: "bundle manifest",
      marker: "innerloop-bundle",
      version: MANIFEST_VERSION,
      schema,
      validator,
      code: "manifest-invalid",
      exitStatus: 1,
    },
    value,
    source,
  );
  const manifest = value as Manifest;
  const { input, innerLoop, parameters } = manifest;
  const names = new Set(parameters.map(({ name }) => name));
  const stranger = Object.keys(innerLoop.rates).find((rate) => !names.has(rate));
  const wrong =
    contradiction(manifest) ??
    (input.preprocessing && misfit(input.preprocessing, input.shape)) ??
    (stranger === undefined ? undefined : `innerLoop.rates has ${show(stranger)}, which is no parameter`);
  if (wrong)
    throw new InnerloopError("manifest-invalid", `${source}: ${wrong}; copy the bundle again, or export it again`);
  return manifest;
}
