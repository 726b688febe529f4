// A microphone or a camera: whether there is one, and why not. Each way in which it can fail has an end of its own.

export type Trouble = "insecure" | "refused" | "absent" | "busy";

/** Whether a page may ask for devices at all: one that came over plain http from elsewhere may not. */
export const mayAsk = (): boolean => navigator.mediaDevices?.getUserMedia !== undefined;

/** A device that was asked for, or why there is none. */
export async function ask(wanted: MediaStreamConstraints): Promise<MediaStream | Trouble> {
  if (!mayAsk()) return "insecure";
  try {
    return await navigator.mediaDevices.getUserMedia(wanted);
  } catch (error) {
    const { name } = error as DOMException;
    if (name === "NotFoundError" || name === "OverconstrainedError") return "absent";
    if (name === "NotReadableError" || name === "AbortError") return "busy";
    return "refused";
  }
}

/** Whether a visitor has allowed it before, so that it can be switched on without asking. */
export async function isAllowed(device: "microphone" | "camera"): Promise<boolean> {
  try {
    // TypeScript's list of names lacks these two, which browsers have.
    const { state } = await navigator.permissions.query({ name: device as PermissionName });
    return state === "granted";
  } catch {
    return false; // It cannot be asked for everywhere; then a button asks.
  }
}

/** Lets somebody choose a file. */
export function chooseFile(accept: string): Promise<File | undefined> {
  return new Promise((resolve) => {
    const input = document.createElement("input");
    input.type = "file";
    input.accept = accept;
    input.addEventListener("change", () => resolve(input.files?.[0]));
    input.addEventListener("cancel", () => resolve(undefined));
    input.click();
  });
}
