// JSON as files hold it: `JSON.parse` takes the last of two values of one name, where another reader takes the first, and
// takes lists within lists to a depth at which whatever walks them runs out of stack.

/** How deep objects and lists may lie in each other; no format here needs more than 8. */
const deepest = 64;

/**
 * The value of a JSON text.
 *
 * @throws Error saying why it is none: besides what `JSON.parse` refuses, a name that an object has twice, and more than 64
 *   objects and lists in each other.
 */
export function parseJson(text: string): unknown {
  let [names, depth] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (letter === "{" || letter === "[") depth++;
    if (letter === "}" || letter === "]") depth--;
    if (depth > deepest) throw new Error(`more than ${deepest} lists and objects lie in each other`);
    if (letter === ":") names++;
    if (letter === '"') for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === "\\") at++;
  }
  const value: unknown = JSON.parse(text);
  if (namesIn(value) < names) throw new Error("an object has the same name twice");
  return value;
}

function namesIn(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const entries = Object.values(value);
  return entries.reduce<number>((sum, entry) => sum + namesIn(entry), Array.isArray(value) ? 0 : entries.length);
}
