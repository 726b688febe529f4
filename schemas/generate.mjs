// Generates code from the formats: onnx.proto becomes typed messages, the *.schema.json files become validators and types, and
// what a device checks of a manifest becomes a small value. None of it needs a library at run time: protobufjs's reader and
// writer come along, so that who installs a device's runtime installs no protobufjs. Does nothing when the output is newer than
// all that it is made from.
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Ajv } from "ajv";
import standalone from "ajv/dist/standalone/index.js";
import { build, transformSync } from "esbuild";
import { typesOf } from "./types.mjs";

const room = fileURLToPath(new URL(".", import.meta.url));
const require = createRequire(import.meta.url);
const standaloneCode = standalone.default;
const SCHEMAS = ["manifest", "config", "checkpoint", "machine"];

// What a manifest says of where a bundle comes from and how good it is: running it does not depend on that. Preprocessing
// is checked when there is something to preprocess, so that a kind of a later release bars nobody who gives numbers.
const UNUSED = [
  ...["input.preprocessing", "input.content", "files.predict-transductive.onnx"],
  ...["created", "producer", "opset", "irVersion", "verification", "training", "metrics"],
  ...["innerLoop.head", "innerLoop.rates", "innerLoop.shots", "confidence.episodes", "confidence.uncalibratedError"],
  ...["confidence.expectedCalibrationError", "confidence.rejection.falseAccepts", "confidence.rejection.kept"],
  "confidence.spread.shifted",
];

// TypeScript reads the declarations beside the sources; the compiled code in dist/ imports the copy beside itself.
const FOLDERS = [join(room, "generated"), join(room, "dist", "generated")];
const OUTPUTS = ["onnx", "protobuf", "validators", "shape", "preprocessing-shapes"].flatMap((name) => [
  `${name}.js`,
  `${name}.d.ts`,
]);
OUTPUTS.push(...SCHEMAS.map((name) => `${name}.d.ts`));

if (isFresh()) process.exit(0);
const onnx = await generateOnnx();
const protobuf = await generateProtobuf();
const validators = generateValidators();
const shape = generateShape();
const types = generateTypes();
for (const folder of FOLDERS) {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries({ ...onnx, ...protobuf, ...validators, ...shape, ...types }))
    writeFileSync(join(folder, name), text);
}

function isFresh() {
  const inputs = [
    fileURLToPath(import.meta.url),
    join(room, "types.mjs"),
    join(room, "onnx.proto"),
    ...SCHEMAS.map((name) => join(room, `${name}.schema.json`)),
    ...["protobufjs-cli", "protobufjs", "ajv", "esbuild"].map((name) => require.resolve(`${name}/package.json`)),
  ];
  const outputs = FOLDERS.flatMap((folder) => OUTPUTS.map((name) => join(folder, name)));
  if (!outputs.every((path) => existsSync(path))) return false;
  const modified = (path) => statSync(path).mtimeMs;
  return Math.min(...outputs.map(modified)) >= Math.max(...inputs.map(modified));
}

/** The static-module target, without what nothing here uses: JSON conversion, verification, services. */
async function generateOnnx() {
  const options = "-t static-module -w esm -r innerloop --dependency ../wire.js --no-create --no-verify --no-convert";
  const file = join(FOLDERS[0], "onnx.js");
  mkdirSync(FOLDERS[0], { recursive: true });
  const more = ["--no-delimited", "--no-typeurl", "--no-service", "-d", "-o", file, join(room, "onnx.proto")];
  await promisify(require("protobufjs-cli").pbjs.main)([...options.split(" "), ...more]);

  // wire.ts gives 64-bit integers as numbers or bigints where protobufjs would give its Long.
  const types = readFileSync(file.replace(/js$/, "d.ts"), "utf8");
  return {
    "onnx.js": transformSync(readFileSync(file, "utf8"), { minifyWhitespace: true, legalComments: "none" }).code,
    // Its comments say each name once more.
    "onnx.d.ts": types
      .replace(/^import Long = .*\n/m, "")
      .replaceAll(/\bnumber\|Long\b/g, "number|bigint")
      .replaceAll(/^ *\/\*\*[\s\S]*?\*\/\n+/gm, ""),
  };
}

/** What wire.ts takes of protobufjs, as a module, under protobufjs's licence. */
async function generateProtobuf() {
  const licence = readFileSync(join(dirname(require.resolve("protobufjs/package.json")), "LICENSE"), "utf8");
  const unused = { "./rpc": "", "./reader_buffer": "", "./writer_buffer": "" };
  // All that is asked of long is a class to keep the two halves of a 64-bit integer in.
  const long = "class Long { constructor(low, high) { Object.assign(this, { low, high }); } static isLong() {} }";
  const contents = { ...unused, long: `module.exports = ${long}` };
  const plugin = {
    name: "without",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^/ }, ({ path }) => (path in contents ? { path, namespace: "without" } : undefined));
      onLoad({ filter: /^/, namespace: "without" }, ({ path }) => ({
        contents: contents[path] || "module.exports = { _configure() {} }",
      }));
    },
  };
  const { outputFiles } = await build({
    stdin: { contents: 'export { default } from "protobufjs/minimal.js";', resolveDir: room },
    ...{ bundle: true, write: false, format: "esm", platform: "neutral", mainFields: ["main"], target: "es2022" },
    ...{ minify: true, plugins: [plugin], banner: { js: `/*! protobufjs\n\n${licence.trim()}\n*/` } },
  });
  return {
    "protobuf.js": outputFiles[0].text,
    "protobuf.d.ts": `export interface Reader {
  readonly len: number; pos: number; uint32(): number; tag(): number; size(): number; bytes(): Uint8Array;
  skipType(wireType: number, depth: number, field: number): this;
}
export interface Writer {
  fork(): this; ldelim(): this; finish(): Uint8Array;
  uint32(value: number): this; float(value: number): this; bool(value: boolean): this;
  string(value: string): this; bytes(value: Uint8Array): this;
}
declare const minimal: {
  readonly Reader: { readonly prototype: { readonly int64: unknown }; readonly recursionLimit: number };
  readonly Writer: { readonly prototype: { readonly int64: unknown } };
  readonly util: object;
};
export default minimal;
`,
  };
}

/** One function a format, as ajv writes it, and the schemas as values, without what is said to readers of the files alone. */
function generateValidators() {
  const silent = (key, value) => (key === "$comment" ? undefined : value);
  const schemas = SCHEMAS.map((name) => JSON.parse(readFileSync(join(room, `${name}.schema.json`), "utf8"), silent));
  const ajv = new Ajv({ schemas, allowUnionTypes: true, messages: false, code: { source: true, esm: true } });
  const named = Object.fromEntries(SCHEMAS.map((name, index) => [name, schemas[index].$id]));
  // A violation says where the value is, and nobody asks for the rule's own place.
  const code = standaloneCode(ajv, named).replaceAll(/schemaPath:"[^"]*",/g, "");
  if (/\brequire\(/.test(code)) throw new Error("a schema uses a keyword that needs ajv at run time");
  // The code has each schema as a value already.
  const values = SCHEMAS.map((name, index) => {
    const [value] = code.split(` = ${JSON.stringify(schemas[index])};`)[0].match(/schema\d+$/);
    return `export const ${name}Schema = ${value};\n`;
  });
  const types = SCHEMAS.map(
    (name) => `export declare const ${name}: Validator;\nexport declare const ${name}Schema: JsonSchema;\n`,
  );
  return {
    "validators.js": transformSync(`${code}\n${values.join("")}`, { minify: true, format: "esm" }).code,
    "validators.d.ts": `import type { JsonSchema, Validator } from "../validate.js";\n${types.join("")}`,
  };
}

/** The types of the formats; that of a run config is of a complete one, which is what a checkpoint has. */
function generateTypes() {
  const [manifest, config, checkpoint, machine] = SCHEMAS.map((name) =>
    JSON.parse(readFileSync(join(room, `${name}.schema.json`), "utf8")),
  );
  const types = {
    "manifest.d.ts": typesOf(manifest, {
      name: "Manifest",
      named: {
        "parameters[]": "ManifestParameter",
        confidence: "Confidence",
        "confidence.rejection": "Rejection",
        "confidence.spread": "Spread",
        "#/definitions/file": "ManifestFile",
        "#/definitions/head": "HeadKind",
        "#/definitions/split": "SplitRecord",
        "#/definitions/preprocessing": "Preprocessing",
        "#/definitions/imagePreprocessing": "ImagePreprocessing",
        "#/definitions/windowPreprocessing": "WindowPreprocessing",
        "#/definitions/soundPreprocessing": "SoundPreprocessing",
        "#/definitions/rowPreprocessing": "RowPreprocessing",
        "#/definitions/textPreprocessing": "TextPreprocessing",
        "#/definitions/bytesPreprocessing": "BytesPreprocessing",
        "#/definitions/numberColumn": "NumberColumn",
        "#/definitions/categoryColumn": "CategoryColumn",
      },
    }),
    "config.d.ts": typesOf(
      { ...config, title: "A complete run config" },
      {
        name: "RunConfig",
        named: {
          model: "ModelConfig",
          optimizer: "OptimizerConfig",
          schedule: "ScheduleConfig",
          shifts: "ShiftsConfig",
          examples: "ExamplesConfig",
        },
        required: {
          "": checkpoint.properties.config.required,
          model: ["kind"],
          optimizer: ["kind", "rate"],
          schedule: ["warmup", "decay", "floor"],
          shifts: ["share", "wrongLabels"],
          validation: ["every", "episodes"],
        },
        imported: { head: ["HeadKind", "manifest"] },
      },
    ),
    "checkpoint.d.ts": typesOf(checkpoint, {
      name: "CheckpointHeader",
      named: { tasks: "RunTasks", "history[]": "HistoryEntry" },
      imported: {
        config: ["RunConfig", "config"],
        "tasks.preprocessing": ["Preprocessing", "manifest"],
        "tasks.split": ["SplitRecord", "manifest"],
      },
    }),
    "machine.d.ts": typesOf(machine, { name: "MachineCosts", named: { "#/definitions/cost": "FormCost" } }),
  };
  return Object.fromEntries(Object.entries(types).map(([file, text]) => [file, `${text}\n`]));
}

/** The part of manifest.schema.json that a device checks, in the notation of check.ts. */
function generateShape() {
  const { definitions, ...manifest } = JSON.parse(readFileSync(join(room, "manifest.schema.json"), "utf8"));
  const kinds = definitions.preprocessing.oneOf.map(({ $ref }) => {
    const definition = definitions[$ref.replace("#/definitions/", "")];
    return [definition.properties.kind.enum[0], shapeOf(definition, definitions)];
  });
  // A module each, so that only who preprocesses loads what says how.
  const modules = {
    shape: ["manifestShape", shapeOf(manifest, definitions), "Shape"],
    "preprocessing-shapes": ["preprocessingShapes", Object.fromEntries(kinds), "Readonly<Record<string, Shape>>"],
  };
  return Object.fromEntries(
    Object.entries(modules).flatMap(([file, [name, value, type]]) => [
      [`${file}.js`, `export const ${name} = ${JSON.stringify(value)};\n`],
      [`${file}.d.ts`, `import type { Shape } from "../check.js";\nexport declare const ${name}: ${type};\n`],
    ]),
  );
}

function shapeOf(schema, definitions, path = "") {
  const { $schema, $id, title, $comment, description, examples, type, $ref, ...rules } = schema;
  const of = (inner, at = path) => shapeOf(inner, definitions, at);
  const done = (result, ...read) => {
    const unread = Object.keys(rules).find((key) => !read.includes(key));
    if (unread) throw new Error(`a device does not check "${unread}" of ${JSON.stringify(schema)}: extend check.ts`);
    return result;
  };
  if ($ref) return of(definitions[$ref.replace("#/definitions/", "")]);
  if (rules.oneOf ?? rules.anyOf) return done({ "|": (rules.oneOf ?? rules.anyOf).map(of) }, "oneOf", "anyOf");
  if ("const" in rules) return done(JSON.stringify(rules.const), "const");
  if (rules.enum) return done(rules.enum.map((value) => JSON.stringify(value)).join("|"), "enum");
  if (type === "array") return done([of(rules.items)], "items");
  if (type === "object") {
    // Names that match a pattern are checked as any others are.
    const { properties = {}, required = [], patternProperties = {}, additionalProperties, propertyNames } = rules;
    if (Object.values(patternProperties).some(({ $ref }) => $ref !== additionalProperties?.$ref))
      throw new Error(`a device does not tell the patterns of ${JSON.stringify(schema)} from other names`);
    const entries = Object.entries(properties).flatMap(([key, inner]) => {
      const at = path === "" ? key : `${path}.${key}`;
      return UNUSED.includes(at) ? [] : [[required.includes(key) ? key : `${key}?`, of(inner, at)]];
    });
    if (typeof additionalProperties === "object")
      entries.push([`*${propertyNames?.pattern ?? ""}`, of(additionalProperties)]);
    return done(
      Object.fromEntries(entries),
      ...["properties", "required", "patternProperties", "additionalProperties", "propertyNames"],
    );
  }
  const kinds = [type].flat().map((kind) => {
    if (kind === "string") return rules.pattern ? `/${rules.pattern}` : "text";
    if (kind === "boolean") return "true|false";
    if (kind !== "number" && kind !== "integer") return kind;
    const words = { minimum: "from", exclusiveMinimum: "above", maximum: "to" };
    const bounds = Object.entries(words)
      .filter(([rule]) => rule in rules)
      .map(([rule, word]) => ` ${word} ${rules[rule]}`);
    return `a ${kind === "integer" ? "whole " : ""}number${bounds.join("")}`;
  });
  return done(kinds.join("|"), "pattern", "minimum", "exclusiveMinimum", "maximum");
}
