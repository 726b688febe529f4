// An ONNX file that a call names, read whole.
import { InnerloopError } from "@innerloop/schemas";
import { wrongCall } from "../call/command.ts";
import { pathOf, placeAt, shownPath } from "./places.ts";
import { mostOfModel, readWithin } from "./reading.ts";

/**
 * The bytes of a model.
 * @throws InnerloopError `file-missing` (status 2) where there is no such file; `file-unreadable`
 */
export async function readModel(given: string): Promise<{ readonly path: string; readonly bytes: Uint8Array }> {
  const path = pathOf(given);
  const place = await placeAt(path);
  if (place !== "file")
    throw wrongCall(
      "file-missing",
      `${shownPath(path)} ${place === "nothing" ? "does not exist" : "is a folder"}; an .onnx file was expected; check the path.`,
    );
  try {
    const { buffer, byteOffset, length } = await readWithin(path, mostOfModel);
    return { path, bytes: new Uint8Array(buffer, byteOffset, length) };
  } catch (cause) {
    throw new InnerloopError("file-unreadable", `${shownPath(path)} cannot be read (${(cause as Error).message}).`, {
      cause,
    });
  }
}
