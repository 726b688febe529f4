// Where the bundle runs, how long that takes and why it is there, as the page shows it.
import { byId } from "./dom.ts";
import type { Model } from "./model.ts";
import type { Words } from "./words.ts";

/** A time as `0.7 ms` or `12 ms`. */
export const milliseconds = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)}\u00a0ms`;

/** Shows a model's place and times. */
export function showPlace(model: Model, words: Words): void {
  byId("adapt-ms").textContent = model.adaptMs > 0 ? milliseconds(model.adaptMs) : "–";
  byId("predict-ms").textContent = model.predictMs > 0 ? milliseconds(model.predictMs) : "–";
  const { name, files } = model.manifest;
  const bytes = files["predict.onnx"].bytes + files["adapt.onnx"].bytes;
  const isWasm = model.provider.name === "wasm";
  byId<HTMLSelectElement>("provider").value = model.provider.name;
  byId("reason").textContent = [
    isWasm ? words.whyWasm : words.whyNamed,
    ...(isWasm && !crossOriginIsolated ? [words.isolated] : []),
    words.model(name, `${Math.round(bytes / 1000)} kB`),
  ].join("\n");
}
