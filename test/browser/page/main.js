// What the tests call in the page: a whole life of a learner, with what it answered.
import { InnerloopError, Learner } from "@innerloop/runtime";

/** Learns support (lists of { label, data }), answers queries, saves, restores and answers again. */
window.live = async (bundle, provider, support, queries) => {
  const learner = await Learner.load(bundle, { provider });
  const floats = (data) => Float32Array.from(data);
  const mine = await learner.adapt(support.map(({ label, data }) => ({ label, data: floats(data) })));
  const answers = await mine.predictBatch(queries.map(floats));
  const together = await Promise.all(queries.map((query) => mine.predict(floats(query))));
  const again = await learner.restore(await mine.toBytes());
  const restored = await again.predictBatch(queries.map(floats));
  const result = {
    provider: learner.provider,
    supportLoss: [...mine.supportLoss],
    logits: answers.map(({ logits }) => [...logits]),
    together: together.map(({ logits }) => [...logits]),
    restored: restored.map(({ logits }) => [...logits]),
    isolated: crossOriginIsolated,
  };
  await learner.dispose();
  return result;
};

/** The code and words of what loading a bundle says. */
window.refusal = async (bundle, options) => {
  try {
    await Learner.load(bundle, options);
    return undefined;
  } catch (error) {
    return { known: error instanceof InnerloopError, code: error.code, message: error.message };
  }
};
window.ready = true;
