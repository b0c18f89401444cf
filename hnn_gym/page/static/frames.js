// Decoded frames of worlds that were learned from frames: of one position, or of sprites that move in the plane.
"use strict";

const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const shares = (text) => new Int16Array(bytes(text).buffer);

// What every decoder of frames has in common: a small sheet of pixels that is drawn as large as there is room.
class Frames {
  constructor(data) {
    Object.assign(this, { data, ...data.frames, covers: true });
    this.background = bytes(data.frames.background);
    this.sheet = Object.assign(document.createElement("canvas"), { width: this.columns, height: this.rows });
  }
  draw({ context, width, height }, q, { faint = false } = {}) {
    const frame = this.decoded(q), pen = this.sheet.getContext("2d"), image = pen.createImageData(this.columns, this.rows);
    for (let k = 0; k < this.rows * this.columns; k += 1) {
      for (let c = 0; c < 3; c += 1) image.data[4 * k + c] = frame[k * this.channels + Math.min(c, this.channels - 1)];
      image.data[4 * k + 3] = 255;
    }
    pen.putImageData(image, 0, 0);
    const scale = Math.min(width / this.columns, height / this.rows), size = [this.columns * scale, this.rows * scale];
    context.globalAlpha = faint ? 0.4 : 1;
    context.imageSmoothingEnabled = false;
    context.drawImage(this.sheet, (width - size[0]) / 2, (height - size[1]) / 2, ...size);
    context.globalAlpha = 1;
  }
}

// Frames that are a linear function of harmonics of the one position.
class FramesOfPosition extends Frames {
  constructor(data) {
    super(data);
    this.seen = new Int32Array(bytes(data.frames.seen).buffer);
    this.coefficients = shares(data.frames.coefficients);
  }
  // The frame at a position, one byte for each value.
  decoded(q) {
    const { values } = this.data.shared.harmonics(q), count = this.seen.length, sums = new Float64Array(count);
    values.forEach((value, k) => {
      for (let j = 0; j < count; j += 1) sums[j] += value * this.coefficients[k * count + j];
    });
    const frame = Uint8ClampedArray.from(this.background);
    this.seen.forEach((place, j) => { frame[place] = Math.round(sums[j] * this.scale); });
    return frame;
  }
}

// Frames of bodies [x1, y1, x2, y2, ...], each a sprite of cubic splines that is drawn over what is behind it.
class FramesOfSprites extends Frames {
  constructor(data) {
    super(data);
    this.sprites = shares(data.frames.sprites);
  }
  // The seven splines that are not 0 at the pixels of a patch, by the part of the place after the comma.
  splines(place) {
    return Array.from({ length: 7 }, (_, i) => {
      const u = Math.abs(4 - 2 * (place - Math.floor(place)) - i);
      return (Math.max(2 - u, 0) ** 3 - 4 * Math.max(1 - u, 0) ** 3) / 6;
    });
  }
  // The sprite of a body on the (2 radius + 1) x (2 radius + 1) pixels around its place.
  patch(look, row, column) {
    const { knots, channels, scale } = this, side = 2 * this.radius + 1, first = look * knots * knots * channels;
    const [down, across] = [this.splines(row), this.splines(column)];
    const rows = new Float64Array(side * knots * channels), patch = new Float64Array(side * side * channels);
    for (let p = 0; p < side; p += 1) {
      for (let i = 0; i < 7; i += 1) {
        const from = first + (2 * p + i) * knots * channels, to = p * knots * channels;
        for (let k = 0; k < knots * channels; k += 1) rows[to + k] += down[i] * this.sprites[from + k];
      }
      for (let r = 0; r < side; r += 1) {
        for (let j = 0; j < 7; j += 1) {
          for (let c = 0; c < channels; c += 1) {
            patch[(p * side + r) * channels + c] += across[j] * rows[(p * knots + 2 * r + j) * channels + c] * scale;
          }
        }
      }
    }
    return patch;
  }
  decoded(q) {
    const { rows, columns, channels, radius } = this, side = 2 * radius + 1;
    const change = new Float64Array(rows * columns * channels);
    this.looks.forEach((look, body) => {
      const row = rows / 2 - q[2 * body + 1] * this.pixels_per_unit;
      const column = columns / 2 + q[2 * body] * this.pixels_per_unit;
      const patch = this.patch(look, row, column), [top, left] = [Math.floor(row) - radius, Math.floor(column) - radius];
      for (let p = 0; p < side; p += 1) {
        for (let r = 0; r < side; r += 1) {
          if (top + p < 0 || top + p >= rows || left + r < 0 || left + r >= columns) continue;
          const from = (p * side + r) * channels, to = ((top + p) * columns + left + r) * channels;
          const opaque = Math.min(Math.hypot(...patch.subarray(from, from + channels)) / this.levels[look], 1);
          for (let c = 0; c < channels; c += 1) change[to + c] += patch[from + c] - opaque * change[to + c];
        }
      }
    });
    return Uint8ClampedArray.from(this.background, (value, k) => Math.round(value + change[k]));
  }
}

const framesOf = (data) => new (data.frames.kind === "sprites" ? FramesOfSprites : FramesOfPosition)(data);
