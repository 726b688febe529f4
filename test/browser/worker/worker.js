// A worker that has a learner: it does what a message asks for, and answers.
import { Learner } from "@innerloop/runtime";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener(
  "message",
  async ({ data: { bundle, options, support, queries, picture, check }, ports: [port] }) => {
    try {
      const learner = await Learner.load(bundle, options);
      const mine = await learner.adapt(support);
      const answers = await mine.predictBatch(queries);
      const key = crypto.getRandomValues(new Uint8Array(32));
      const again = await learner.restore(await mine.toBytes({ key }), { key });
      const restored = await again.predictBatch(queries);
      const [id] = await again.add(support[0].label, support[0].data, { check });
      const { accuracy } = await mine.evaluate(support);
      const place = String(new URL(picture, bundle));
      const blob = await (await fetch(place)).blob();
      const bitmap = await createImageBitmap(blob);
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      canvas.getContext("2d").drawImage(bitmap, 0, 0);
      const pictures = [];
      for (const form of [place, blob, await blob.arrayBuffer(), bitmap, canvas]) {
        pictures.push(Array.from(await learner.example(form)));
      }
      await learner.dispose();
      const logits = (given) => given.map((answer) => [...answer.logits]);
      port.postMessage({
        ...{ provider: learner.provider.name, isolated: crossOriginIsolated, id, accuracy, pictures },
        ...{ logits: logits(answers), restored: logits(restored), supportLoss: [...mine.supportLoss] },
      });
    } catch (error) {
      port.postMessage({ refused: `${error.code} ${error.message}` });
    }
  },
);
