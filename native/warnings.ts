// What keeps kernels from computing is told once: ONNX Runtime computes instead, and only time is lost.

const told = new Set<string>();

/** Warns of something, once in a process. */
export function warn(code: string, message: string, detail?: string): void {
  if (told.has(message)) return;
  told.add(message);
  process.emitWarning(message, { code, ...(detail === undefined ? {} : { detail }) });
}
