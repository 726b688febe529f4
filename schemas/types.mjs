// Writes the types of a format from its JSON Schema, so that there is one list of its fields. A comment is a field's `title`, with
// its `$comment` where there is more to say.

/**
 * @param schema that of a format, or a part of it
 * @param name what the type is called
 * @param named names of the types of objects within it, by their paths: { model: "ModelConfig" }; other objects have none
 * @param required the fields that are always there, by the paths of their objects: { "": ["data"], model: ["kind"] }
 * @returns the declarations of the named types, and last of the type itself
 */
export function typesOf(schema, { name, named = {}, required = {} }) {
  const declarations = [];

  function typeOf(inner, path) {
    if (inner.enum) return inner.enum.map((value) => JSON.stringify(value)).join(" | ");
    return [inner.type]
      .flat()
      .map((type) => typeNamed(type, inner, path))
      .join(" | ");
  }

  function typeNamed(type, inner, path) {
    if (type === "integer" || type === "number") return "number";
    if (type === "string" || type === "boolean" || type === "null") return type;
    if (type === "array") return `${typeOf(inner.items, `${path}[]`)}[]`;
    if (type !== "object" || !inner.properties) throw new Error(`no type is written for ${JSON.stringify(inner)}`);
    const body = fieldsOf(inner, path);
    if (named[path] === undefined) return body;
    declarations.push(`/** ${sentence(inner)} */\nexport interface ${named[path]} ${body}`);
    return named[path];
  }

  function fieldsOf({ properties }, path) {
    const always = required[path] ?? [];
    const fields = Object.entries(properties).map(([key, inner]) => {
      const type = typeOf(inner, path === "" ? key : `${path}.${key}`);
      return `/** ${sentence(inner)} */\n${key}${always.includes(key) ? "" : "?"}: ${type};`;
    });
    return `{\n${fields.join("\n").replaceAll(/^/gm, "  ")}\n}`;
  }

  const whole = `export interface ${name} ${fieldsOf(schema, "")}`;
  return [...declarations, `/** ${sentence(schema)} */\n${whole}`].join("\n\n");
}

function sentence({ title, default: usual, $comment: more }) {
  const words = title.charAt(0).toUpperCase() + title.slice(1);
  const otherwise = usual === undefined ? "" : ` \`${usual}\` unless given.`;
  return `${words}.${more ? ` ${more}` : ""}${otherwise}`;
}
