// Episodes of images at half their width and height, so that slow engines come to an end.
import type { Tensor } from "@innerloop/schemas";
import type { Episode } from "@innerloop/train";

/** The means of 2×2 pixels: `[n, h, w, 1]` → `[n, h/2, w/2, 1]`. */
function halved({ dtype, shape, data }: Tensor): Tensor {
  const [n, height, width] = shape as [number, number, number];
  const [rows, columns] = [height / 2, width / 2];
  const means = new Float32Array(n * rows * columns);
  for (let i = 0; i < n; i++)
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++)
        means[(i * rows + (row >> 1)) * columns + (column >> 1)]! +=
          Number(data[(i * height + row) * width + column]) / 4;
  return { dtype, shape: [n, rows, columns, 1], data: means };
}

export const half = (episode: Episode): Episode => ({
  ...episode,
  support: { ...episode.support, x: halved(episode.support.x) },
  query: { ...episode.query, x: halved(episode.query.x) },
});
