// What forms of operators cost on a machine, as `innerloop tune-machine` writes it.
import { InnerloopError } from "./errors.ts";
import type { MachineCosts } from "./generated/machine.js";
import { machineSchema as schema, machine as validator } from "./generated/validators.js";
import { parseJson } from "./json.ts";
import { checkFormat } from "./validate.ts";

/** The version of the format that this release writes, and the newest that it reads. */
export const MACHINE_VERSION = 2;

export const machineSchema = schema;

export type { FormCost, MachineCosts } from "./generated/machine.js";

/**
 * Reads what was measured of a machine.
 * @param source the file's name, for messages
 * @throws InnerloopError `machine-invalid`, or `newer-version` when a later release wrote it
 */
export function readMachine(text: string, source: string): MachineCosts {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (cause) {
    throw new InnerloopError(
      "machine-invalid",
      `${source} is not valid JSON, but costs of a machine were expected; it is damaged: write it anew with innerloop tune-machine, or delete it`,
      { cause },
    );
  }
  checkFormat(
    {
      title: "file of a machine's costs",
      marker: "innerloop-machine",
      version: MACHINE_VERSION,
      schema,
      validator,
      code: "machine-invalid",
      exitStatus: 1,
    },
    value,
    source,
  );
  return value as MachineCosts;
}
