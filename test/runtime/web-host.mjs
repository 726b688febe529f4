// Run by hosts.test.ts under the condition "browser": the runtime as a page gets it, on ONNX Runtime's WebAssembly build.
import { Learner, listProviders } from "@innerloop/runtime";

const [url, support] = process.argv.slice(2);
const words = ({ code, message }) => `${code} ${message}`;
const learner = await Learner.load(url);
const mine = await learner.adapt(JSON.parse(support));
const prediction = await mine.predict([0.5, 1, 1.5, 2]);
const listed = await listProviders();
const saving = await mine.save("mine.safetensors").catch(words);
const reading = await Learner.load("bundle/").catch(words);
const cuda = await Learner.load(url, { provider: "cuda" }).catch(words);
console.log(JSON.stringify({ provider: learner.provider, prediction, listed, saving, reading, cuda }));
await learner.dispose();
