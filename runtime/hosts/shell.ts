// Paths in commands that messages tell a person to copy.

/** Letters that mean nothing to a shell. */
const plain = /^[\w@%+:,./-][\w@%+=:,./-]*$/;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
const control = /[\u0000-\u001f\u007f-\u009f]/g;

/** A path as one word of a shell: quoted where it holds anything that a shell would take apart or act on. */
export function shellWord(path: string): string {
  // What begins with a dash would be an option.
  const word = path.startsWith("-") ? `./${path}` : path;
  if (plain.test(word)) return word;
  if (process.platform === "win32") return `"${word.replaceAll('"', '""')}"`;
  const inside = word.replaceAll("'", "'\\''");
  if (!control.test(word)) return `'${inside}'`;
  const code = (letter: string) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `$'${word.replaceAll(/[\\']/g, "\\$&").replaceAll(control, code)}'`;
}
