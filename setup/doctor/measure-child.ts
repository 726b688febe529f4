// The process that measures how fast a provider adapts a bundle: exported and loaded as a device would have it.
import { buildBundle } from "@innerloop/export";
import { Learner } from "@innerloop/runtime";
import type { ProviderName } from "@innerloop/runtime/session";
import { answerParent, conv4, Glyphs, initialNumbers, maml, rateOf } from "@innerloop/train";

const [provider, seconds] = [process.argv[2] as ProviderName, Number(process.argv[3])];

await answerParent(async () => {
  const data = new Glyphs();
  const made = maml(conv4(data.inputShape, 5), { steps: 5, innerRate: 0.1 });
  const { manifest, files } = buildBundle(made, initialNumbers(made.parameters, 0));
  const bundle = { files: { ...files, "manifest.json": new TextEncoder().encode(JSON.stringify(manifest)) } };
  const learner = await Learner.load(bundle, { provider });
  const { x, y } = data.episode("train", 0, 0, { ways: 5, shots: 1, queries: 1 }).support;
  const examples = { data: x.data as Float32Array, shape: x.shape, labels: Array.from(y.data, String) };
  return rateOf(() => learner.adapt(examples), seconds);
});
