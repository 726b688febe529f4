// A gesture as an image of 28×28: drawn with a pen of two pixels, dark on light, as the bundle's images are.
type Point = readonly [x: number, y: number];

const size = 28;
/** Pixels that stay free around it. */
const margin = 4;

/** 784 numbers, 1 where ink is; the gesture fills the image whatever its size was. */
export function toExample(path: readonly Point[]): Float32Array {
  const [xs, ys] = [path.map(([x]) => x), path.map(([, y]) => y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const extent = Math.max(Math.max(...xs) - left, Math.max(...ys) - top, 1);
  const scale = (size - 2 * margin) / extent;
  const canvas = new OffscreenCanvas(size, size);
  const pen = canvas.getContext("2d")!;
  pen.lineWidth = 2;
  pen.lineCap = pen.lineJoin = "round";
  path.forEach(([x, y], i) => {
    pen[i === 0 ? "moveTo" : "lineTo"](margin + (x - left) * scale, margin + (y - top) * scale);
  });
  pen.stroke();
  const { data } = pen.getImageData(0, 0, size, size);
  return Float32Array.from({ length: size * size }, (_, i) => data[4 * i + 3]! / 255);
}
