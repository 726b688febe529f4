// The two models of openWakeWord as one encoder, from a second of sound to an embedding (PyPI: openwakeword 0.4.0, whose wheel holds them):
// pip download openwakeword==0.4.0 --no-deps && unzip openwakeword-0.4.0-py3-none-any.whl
// node examples/dist/sound-encoder.js openwakeword/resources/models encoder.onnx
// innerloop adaptable encoder.onnx --kind sound --sample-rate 16000 --out bundle
// innerloop adapt bundle --support words --out mine.safetensors
// innerloop predict bundle --params mine.safetensors new.wav
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { input, op, readOnnx, writeOnnx } from "@innerloop/graph";

const [folder = "openwakeword/resources/models", out = "encoder.onnx"] = process.argv.slice(2);
const read = (name: string) => readOnnx(new Uint8Array(readFileSync(join(folder, name))), name);
const [spectrogram, encoder] = [read("melspectrogram.onnx"), read("embedding_model.onnx")];

// They were trained on samples of 16 bits, and the encoder on a tenth of the energies plus 2.
const samples = input("samples", ["n", 16_000]);
const energies = spectrogram.apply({ input: op.Mul(samples, 32_767) }).output!;
const frames = op.Reshape(op.Add(op.Div(energies, 10), 2), ["n", 97, 32, 1]);

// It looks at 76 frames of 10 ms at a time. What it says at three places of the second is taken together.
const parts = [0, 8, 16].map((start) => {
  const [embedding] = Object.values(encoder.apply({ input_1: op.Slice(frames, [start], [start + 76], [1]) }));
  return op.Reshape(embedding!, ["n", 96]);
});
const embedding = op.Div(parts.reduce(op.Add), parts.length);
const initializers = { ...spectrogram.initializers, ...encoder.initializers };
writeFileSync(out, writeOnnx({ embedding }, { inputs: [samples], initializers }));
