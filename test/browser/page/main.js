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

/** The examples that a bundle makes of one image in all the forms that a page has it in. */
window.pictures = async (bundle, place) => {
  const learner = await Learner.load(bundle);
  const image = Object.assign(new Image(), { src: place });
  const made = { image: await learner.example(image) };
  const { naturalWidth: width, naturalHeight: height } = image;
  image.width = 1;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, width, height);
  const offscreen = new OffscreenCanvas(width, height);
  offscreen.getContext("2d").drawImage(image, 0, 0, width, height);
  const blob = await (await fetch(place)).blob();
  const frame = new VideoFrame(canvas, { timestamp: 0 });
  const video = Object.assign(document.createElement("video"), { srcObject: canvas.captureStream(), muted: true });
  const early = await learner.example(document.createElement("video")).catch(words);
  // A stream has a frame when something is drawn.
  const drawing = setInterval(() => context.drawImage(image, 0, 0, width, height), 50);
  await video.play();
  clearInterval(drawing);
  const forms = {
    shownSmall: image,
    canvas,
    offscreen,
    data: context.getImageData(0, 0, width, height),
    bitmap: await createImageBitmap(image),
    blob,
    buffer: await blob.arrayBuffer(),
    bytes: new Uint8Array(await blob.arrayBuffer()),
    place: String(new URL(place, location.href)),
    frame,
    video,
  };
  for (const [name, form] of Object.entries(forms)) made[name] = await learner.example(form);
  frame.close();
  await learner.dispose();
  return { made: Object.fromEntries(Object.entries(made).map(([name, data]) => [name, Array.from(data)])), early };
};

/** What is said of input that a page cannot take. */
window.refusedPictures = async (bundle, elsewhere, files) => {
  const learner = await Learner.load(bundle);
  const broken = Object.assign(new Image(), { src: "data:image/png;base64,AAAA" });
  const tainted = Object.assign(new Image(), { src: elsewhere });
  const inputs = { broken, tainted, text: new Blob(["text"]), none: {}, path: "nothing.png", element: document.body };
  for (const [name, bytes] of Object.entries(files)) inputs[name] = Uint8Array.from(bytes);
  const said = {};
  for (const [name, input] of Object.entries(inputs)) said[name] = await learner.example(input).catch(words);
  await learner.dispose();
  return said;
};

/** The example that a bundle makes of an AudioBuffer. */
window.sound = async (bundle, planes, sampleRate) => {
  const learner = await Learner.load(bundle);
  const buffer = new AudioBuffer({ length: planes[0].length, numberOfChannels: planes.length, sampleRate });
  for (const [channel, plane] of planes.entries()) buffer.copyToChannel(Float32Array.from(plane), channel);
  const example = Array.from(await learner.example(buffer));
  await learner.dispose();
  return example;
};

const words = ({ code, message }) => `${code} ${message}`;

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
