// The text of a file that people made: in UTF-8, or in what else can be told for certain from its bytes.
import { isUtf8 } from "node:buffer";
import { readFile, stat } from "node:fs/promises";
import { InnerloopError, mistaken, show } from "@innerloop/schemas";

/** Bytes of a file of text at most; Node holds no text of twice as many. */
const mostBytes = 2 ** 28;

/** How a file is refused: a wrong call where it was named by the caller, else what is there and damaged. */
export type Refuse = (code: string, message: string) => InnerloopError;

export const refusing =
  (exitStatus: 1 | 2): Refuse =>
  (code, message) =>
    new InnerloopError(code, message, { exitStatus });

/**
 * The text of a file.
 * @throws InnerloopError `bad-table`, by `refuse`
 */
export async function readText(file: string, refuse: Refuse): Promise<string> {
  return decode(file, await readBounded(file, refuse), refuse);
}

/** The bytes of a file that is a table or a recording. */
export async function readBounded(file: string, refuse: Refuse): Promise<Buffer> {
  const info = await stat(file);
  if (!info.isFile()) throw refuse("bad-table", `${file} is a folder, a pipe or a device; a file was expected.`);
  if (info.size > mostBytes)
    throw refuse(
      "bad-table",
      `${file} has ${info.size} bytes; tables of at most ${mostBytes} are read; give it in parts.`,
    );
  return readFile(file);
}

/** UTF-8, or UTF-16 with a byte order mark; no other encoding can be told from its bytes. */
function decode(file: string, bytes: Buffer, refuse: Refuse): string {
  const other = mistaken(bytes);
  if (other !== undefined) throw refuse("bad-table", `${file}: ${other}.`);
  const save = 'save it as UTF-8 (spreadsheets call it "CSV UTF-8")';
  const mark = bytes.toString("hex", 0, 4);
  const utf16 = mark.startsWith("fffe") ? "utf-16le" : mark.startsWith("feff") ? "utf-16be" : undefined;
  if (utf16 !== undefined && mark !== "fffe0000") {
    try {
      return new TextDecoder(utf16, { fatal: true }).decode(bytes);
    } catch {
      throw refuse("bad-table", `${file} starts as UTF-16 and is not; ${save}.`);
    }
  }
  if (bytes.includes(0))
    throw refuse(
      "bad-table",
      `${file} holds zero bytes, as UTF-32, UTF-16 without a byte order mark, and files that are no text do; ${save}.`,
    );
  if (isUtf8(bytes)) return new TextDecoder().decode(bytes);
  const lines = bytes.toString("latin1").split(/\r\n|\r|\n/);
  const line = lines.findIndex((text) => !isUtf8(Buffer.from(text, "latin1")));
  throw refuse("bad-table", `${file} is not UTF-8: line ${line + 1} reads ${show(lines[line])} as Latin-1; ${save}.`);
}
