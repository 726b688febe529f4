// Writes the types of a format from its JSON Schema, so that there is one list of its fields. A comment is a field's `title`, with
// its `$comment` where there is more to say; what has no title has no comment.

/** The longest line of a comment. */
const width = 120;

/**
 * @param schema that of a format, or a part of it
 * @param name what the type is called
 * @param named names of the types within it, by their paths: { model: "ModelConfig", "#/definitions/file": "ManifestFile" }; other
 *   objects have none
 * @param required the fields that are always there, by the paths of their objects, where the schema leaves more out: { model: ["kind"] }
 * @param imported types of other generated modules, by paths: { config: ["RunConfig", "config"] }
 * @returns the declarations of the named types, and last of the type itself
 */
export function typesOf(schema, { name, named = {}, required = {}, imported = {} }) {
  const declarations = new Map();

  function typeOf(inner, path) {
    if (imported[path]) return imported[path][0];
    const { $ref, oneOf } = inner;
    if ($ref) return typeOf(schema.definitions[$ref.replace("#/definitions/", "")], $ref);
    const types =
      oneOf?.map((one) => typeOf(one, path)) ??
      inner.enum?.map((value) => JSON.stringify(value)) ??
      [inner.type].flat().map((type) => typeNamed(type, inner, path));
    const type = types.join(" | ");
    return (oneOf ?? inner.enum) && named[path] ? declared(inner, path, `type ${named[path]} = ${type};`) : type;
  }

  function typeNamed(type, inner, path) {
    if (type === "integer" || type === "number") return "number";
    if (type === "string" || type === "boolean" || type === "null") return type;
    if (type === "array") {
      const item = typeOf(inner.items, `${path}[]`);
      return item.includes(" | ") && !item.startsWith("{") ? `(${item})[]` : `${item}[]`;
    }
    if (type !== "object") throw new Error(`no type is written for ${JSON.stringify(inner)}`);
    if (inner.properties) {
      const fields = fieldsOf(inner, path);
      return named[path] ? declared(inner, path, `interface ${named[path]} ${fields}`) : fields;
    }
    if (typeof inner.additionalProperties !== "object")
      throw new Error(`no field is known of ${JSON.stringify(inner)}`);
    return `Record<string, ${typeOf(inner.additionalProperties, `${path}.*`)}>`;
  }

  function fieldsOf({ properties, patternProperties, additionalProperties, required: always = [] }, path) {
    const there = required[path] ?? always;
    const at = (key) => (path === "" ? key : `${path}.${key}`);
    const fields = Object.entries(properties).map(([key, inner]) => {
      const written = /^\w+$/.test(key) ? key : JSON.stringify(key);
      return `${comment(inner)}${written}${there.includes(key) ? "" : "?"}: ${typeOf(inner, at(key))};`;
    });
    // What has patterns has a type for the names that they match; what is said of any other name bounds what may be there.
    const open = patternProperties ?? (typeof additionalProperties === "object" ? { "": additionalProperties } : {});
    for (const [pattern, inner] of Object.entries(open)) {
      const key = pattern === "" ? "string" : `\`${templateOf(pattern)}\``;
      fields.push(`${comment(inner)}[name: ${key}]: ${typeOf(inner, at("*"))};`);
    }
    return `{\n${fields.join("\n").replaceAll(/^/gm, "  ")}\n}`;
  }

  function declared(inner, path, declaration) {
    declarations.set(path, `${comment(inner)}export ${declaration}`);
    return named[path];
  }

  const whole = `${comment(schema)}export interface ${name} ${fieldsOf(schema, "")}`;
  const imports = Object.values(imported).map(([type, module]) => `import type { ${type} } from "./${module}.js";`);
  const parts = [imports.join("\n"), ...declarations.values(), whole];
  return parts.filter((part) => part !== "").join("\n\n");
}

/** The names that a pattern matches, as a type: `^adapt\..*\.onnx$` is `adapt.${string}.onnx`. */
const templateOf = (pattern) =>
  pattern
    .replaceAll(/^\^|\$$/g, "")
    .replaceAll(".*", `$${"{string}"}`)
    .replaceAll("\\.", ".");

/** The comment of a field or a type, with the line's end; nothing where there is nothing to say. */
function comment({ title, default: usual, $comment: more }) {
  if (title === undefined) return "";
  const words = title.charAt(0).toUpperCase() + title.slice(1);
  const otherwise = usual === undefined ? "" : ` \`${usual}\` unless given.`;
  const text = `${words}.${more ? ` ${more}` : ""}${otherwise}`;
  if (text.length + "/**  */".length <= width && !text.includes("\n")) return `/** ${text} */\n`;
  const lines = text.split("\n").flatMap(wrapped);
  return `/**\n${lines.map((line) => ` * ${line}`.trimEnd()).join("\n")}\n */\n`;
}

/** A text as lines. */
function wrapped(text) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line !== "" && line.length + word.length + " *  ".length > width) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}
