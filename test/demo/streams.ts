// What a phone's sensors, a microphone and a camera would give, made in the page: scripts that run before its own.
import { wav } from "../support/wav.ts";

/** Motion events, sixty a second: at rest until a gesture is named, which then goes on, a little differently each time. */
export const motion = `{
  const around = (width) => (Math.random() + Math.random() + Math.random() - 1.5) * width;
  const gestures = {
    circle: (t, s) => [8 * s * Math.sin(9 * t), 8 * s * Math.cos(9 * t), 9.8],
    shake: (t, s) => [15 * s * Math.sin(28 * t), around(1), 9.8 + around(1)],
    nod: (t, s) => [around(0.5), 9.8 * Math.sin(0.9 * s * Math.sin(5 * t)), 9.8 * Math.cos(0.9 * s * Math.sin(5 * t))],
  };
  let gesture, since, size, pace;
  globalThis.move = (name) => {
    [gesture, since, size, pace] = [gestures[name], performance.now(), 1 + around(0.1), 1 + around(0.08)];
  };
  setInterval(() => {
    const t = ((performance.now() - since) / 1000) * pace;
    const [x, y, z] = gesture ? gesture(t, size) : [0.1, 0.2, 9.8];
    const accelerationIncludingGravity = { x: x + around(0.1), y: y + around(0.1), z: z + around(0.1) };
    const rotationRate = { alpha: 0, beta: 0, gamma: 0 };
    dispatchEvent(new DeviceMotionEvent("devicemotion", { accelerationIncludingGravity, rotationRate, interval: 16 }));
  }, 1000 / 60);
}`;

/**
 * A microphone in a room with some noise; a sound that is named is heard once, a little higher or lower each time. `sound` is back when it is over by
 * the clock of the sound, which on a busy machine is behind that of the wall.
 */
export const microphone = `{
  const around = (width) => (Math.random() + Math.random() + Math.random() - 1.5) * width;
  navigator.mediaDevices.getUserMedia = async () => {
    const context = new AudioContext();
    await context.resume();
    const out = context.createMediaStreamDestination();
    const room = context.createBuffer(1, context.sampleRate, context.sampleRate);
    room.copyToChannel(Float32Array.from({ length: context.sampleRate }, () => around(0.004)), 0);
    const air = new AudioBufferSourceNode(context, { buffer: room, loop: true });
    air.connect(out);
    air.start();
    const tone = (type, from, to, at, seconds, loud) => {
      const higher = 1 + around(0.025);
      const gain = new GainNode(context, { gain: 0 });
      const voice = new OscillatorNode(context, { type });
      voice.frequency.setValueAtTime(from * higher, at);
      voice.frequency.linearRampToValueAtTime(to * higher, at + seconds);
      gain.gain.setTargetAtTime(loud * (1 + around(0.2)), at, 0.01);
      gain.gain.setTargetAtTime(0, at + seconds, 0.015);
      voice.connect(gain).connect(out);
      voice.start(at);
      voice.stop(at + seconds + 0.2);
    };
    globalThis.sound = async (name) => {
      const now = context.currentTime + 0.08;
      if (name === "whistle") tone("sine", 600, 1900, now, 0.6, 0.3);
      if (name === "beeps") for (const at of [0, 0.22, 0.44]) tone("square", 950, 950, now + at, 0.1, 0.15);
      if (name === "hum") tone("sawtooth", 140, 120, now, 0.7, 0.25);
      while (context.currentTime < now + 0.9) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    globalThis.track = out.stream.getAudioTracks()[0];
    return out.stream;
  };
}`;

/**
 * A camera before a table, on which a card lies once its drawing is named: in slanting light, never twice the same. `lay` is back
 * when the page's view shows it, which a corner tells that no picture reaches.
 */
export const camera = `{
  const around = (width) => (Math.random() + Math.random() + Math.random() - 1.5) * width;
  const canvas = (globalThis.canvas = document.createElement("canvas"));
  [canvas.width, canvas.height] = [800, 600];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const drawings = {
    zigzag: (s) => [[-s, -0.6 * s], [-0.3 * s, 0.6 * s], [0.3 * s, -0.6 * s], [s, 0.6 * s]],
    ring: (s) => Array.from({ length: 40 }, (_, i) => [0.8 * s * Math.cos(i / 6), 0.8 * s * Math.sin(i / 6)]),
    cross: (s) => [[0, -s], [0, s], [0, -0.3 * s], [-0.7 * s, -0.3 * s], [0.7 * s, -0.3 * s]],
    none: () => [],
  };
  let card;
  let cards = 0;
  globalThis.lay = async (name) => {
    card = { drawing: drawings[name], turn: around(0.15), size: 150 + around(25), x: 400 + around(20), y: 265 + around(20) };
    cards += 1;
    paint();
    while (view() && cornerOf(view()) !== cards % 3) await new Promise(requestAnimationFrame);
  };
  const view = () => document.querySelector("[data-source=on] video");
  const corner = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const cornerOf = (video) => {
    corner.drawImage(video, 8, 8, 16, 16, 0, 0, 1, 1);
    const colour = [...corner.getImageData(0, 0, 1, 1).data.slice(0, 3)];
    return colour.indexOf(Math.max(...colour));
  };
  const light = (from, to) => {
    const shade = context.createLinearGradient(0, 0, 800, 600);
    shade.addColorStop(0, from);
    shade.addColorStop(1, to);
    return shade;
  };
  const paint = () => {
    context.fillStyle = light("#6b5a48", "#3c332a");
    context.fillRect(0, 0, 800, 600);
    if (card) {
      context.save();
      context.translate(card.x, card.y);
      context.rotate(card.turn);
      context.fillStyle = light("#ece9df", "#aaa598");
      context.fillRect(-260, -250, 520, 500);
      context.beginPath();
      for (const [x, y] of card.drawing(card.size)) context.lineTo(x, y);
      [context.lineWidth, context.lineCap, context.lineJoin, context.strokeStyle] = [11, "round", "round", "#2a2a36"];
      context.stroke();
      context.restore();
    }
    context.fillStyle = ["#f00", "#0f0", "#00f"][cards % 3];
    context.fillRect(0, 0, 32, 32);
    const image = context.getImageData(0, 0, 800, 600);
    for (let i = 0; i < image.data.length; i++) if (i % 4 < 3) image.data[i] += around(8);
    context.putImageData(image, 0, 0);
  };
  setInterval(paint, 100);
  navigator.mediaDevices.getUserMedia = async () => {
    const stream = canvas.captureStream(10);
    globalThis.track = stream.getVideoTracks()[0];
    return stream;
  };
}`;

/** A visitor who says no, a machine without the device, and a page that came over plain http. */
export const troubles = {
  refused: `navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "NotAllowedError"); };`,
  absent: `navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "NotFoundError"); };`,
  busy: `navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "NotReadableError"); };`,
  insecure: `Object.defineProperty(navigator, "mediaDevices", { value: undefined });`,
} as const;

/** iOS: motion sensors say nothing before a visitor has agreed, and may be asked about at a press of a button alone. */
export const askingSensors = (answer: "granted" | "denied"): string => `{
  const real = dispatchEvent.bind(globalThis);
  let [agreed, pressed] = [false, false];
  addEventListener("click", () => (pressed = true), { capture: true });
  globalThis.dispatchEvent = (event) => event.type === "devicemotion" && !agreed ? true : real(event);
  DeviceMotionEvent.requestPermission = async () => {
    if (!pressed) throw new DOMException("", "NotAllowedError");
    agreed = "${answer}" === "granted";
    return "${answer}";
  };
}`;

/** A file of a sound: a tone of a second. */
export const tone = (hertz = 700, rate = 16_000): Uint8Array =>
  wav(
    Float32Array.from({ length: rate }, (_, i) => 0.244 * Math.sin((2 * Math.PI * hertz * i) / rate)),
    rate,
  );
