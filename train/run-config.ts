// The run config as this room knows it: its format, completed by which algorithms, models, engines, readers and presets there
// are. Validation, help and shells go by it.
import {
  configSchema,
  InnerloopError,
  type JsonSchema,
  type RunConfigInput,
  show,
  validateConfig,
} from "@innerloop/schemas";
import { algorithms, heads } from "./algorithms/index.ts";
import { readers, TASK_SPECS } from "./data/index.ts";
import { engineChoices } from "./engines/index.ts";
import { isModelFile, type ModelSetting, modelChoices, models } from "./models/index.ts";
import { optimizers } from "./optimizers/index.ts";
import { presets } from "./presets.ts";
import { inWords, oneOf } from "./registry.ts";
import { type SettingPath, settingAt } from "./settings.ts";

/** What of a setting is known here and not to its format. */
type Completion = Pick<JsonSchema, "title" | "description" | "enum" | "examples">;

/** Settings that name something of a registry. An unknown name is refused here; those of engines and presets where they are looked up. */
const choices: Readonly<Record<SettingPath, readonly string[]>> = {
  algorithm: algorithms.names,
  "model.kind": modelChoices,
  head: heads.names,
  "optimizer.kind": optimizers.names,
};

/** Of these the title says what they are for. */
const titled: readonly SettingPath[] = ["head", "optimizer.kind"];

/** The models that take a setting, and what it is by itself in the first of them. */
function takenBy(setting: string): { readonly by: string; readonly otherwise: string | undefined } {
  const takers = models.all.filter(({ options }) => Object.hasOwn(options, setting));
  const words = takers.map(({ options }) => options[setting as ModelSetting]!);
  const same = words.every((word) => word === words[0]);
  return {
    by: takers.map(({ name }) => name).join(", "),
    otherwise: same ? words[0] : takers.map(({ name }, i) => `${name}: ${words[i]}`).join("; "),
  };
}

function completionOf(path: SettingPath, { title = "" }: JsonSchema): Completion {
  const names = choices[path];
  if (names) {
    const words = inWords(names, "or");
    if (path === "model.kind") {
      const file = "or the path of an .onnx file";
      return { title: `${names.join(", ")}, ${file}`, description: `${oneOf(names)}, ${file}`, examples: names };
    }
    return { title: titled.includes(path) ? `${title}: ${words}` : words, description: oneOf(names), enum: names };
  }
  if (path === "data") return { title: `${title}: ${TASK_SPECS.join(", ")}` };
  if (path === "engine") return { enum: engineChoices };
  if (path === "preset") return { enum: Object.keys(presets) };
  if (path === "rotations") {
    const turning = readers.all.flatMap(({ name, rotations }) => (rotations ? [name] : []));
    return { title: `${turning.join(", ")}: ${title}` };
  }
  const takers = optimizers.all.flatMap(({ name, options }) =>
    options.some((option) => path === `optimizer.${option}`) ? [name] : [],
  );
  if (takers.length > 0 && takers.length < optimizers.all.length)
    return { title: `${title} of ${inWords(takers, "and")}` };
  return path.startsWith("model.") ? { title: `${takenBy(path.slice("model.".length)).by}: ${title}` } : {};
}

function completed(schema: JsonSchema, path: SettingPath): JsonSchema {
  const own = path === "" || (schema.properties && path !== "") ? {} : completionOf(path, schema);
  if (!schema.properties) {
    // What the format refers to elsewhere is a choice, whose names are here.
    const { $ref, ...rules } = schema;
    return { ...rules, ...own };
  }
  const inside = Object.entries(schema.properties).map(([key, inner]) => [
    key,
    completed(inner, path === "" ? key : `${path}.${key}`),
  ]);
  return { ...schema, properties: Object.fromEntries(inside) };
}

/** The JSON Schema of a run config, with the names of what there is; an editor completes a config by it. */
export const runConfigSchema: JsonSchema = completed(configSchema, "");

/** The schema of a setting: what it is (`title`), what it has to be (`description`), and among which names (`enum`). */
export const settingSchema = (path: SettingPath): JsonSchema =>
  path.split(".").reduce<JsonSchema>((schema, key) => schema.properties![key]!, runConfigSchema);

/** What a setting is where neither a preset nor the config says it, in words; nothing where one of these always does. */
export function otherwise(path: SettingPath): string | undefined {
  if (path.startsWith("model.") && !(path in choices)) return takenBy(path.slice("model.".length)).otherwise;
  const { default: usual } = settingSchema(path);
  return usual === undefined ? undefined : typeof usual === "boolean" ? (usual ? "on" : "off") : String(usual);
}

/**
 * Checks what a config gives: its format, and that what is chosen by name is there.
 *
 * @param source the file's name, for messages
 * @throws InnerloopError (exit status 2) as `validateConfig`; `config-invalid` for a name that is none, listing those that are
 */
export function validateRunConfig(value: unknown, source: string): RunConfigInput {
  const config = validateConfig(value, source);
  for (const [path, names] of Object.entries(choices)) {
    const name = settingAt(config, path);
    const isFile = path === "model.kind" && isModelFile(String(name));
    if (name !== undefined && !isFile && !names.includes(String(name)))
      throw new InnerloopError("config-invalid", `${source}: ${path} must be ${oneOf(names)}, got ${show(name)}`, {
        exitStatus: 2,
      });
  }
  return config;
}
