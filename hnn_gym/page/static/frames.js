// Decoded frames of worlds that were learned from frames: of one position, of sprites that move in the
// plane, or of rigid parts that slide and turn on each other.
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

// Frames of bodies [x1, y1, x2, y2, ...], or of one that slides along a line [x]: each is a sprite of cubic splines that
// is drawn over what is behind it.
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
      const row = rows / 2 - (this.line ?? q[2 * body + 1]) * this.pixels_per_unit;
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

// Frames of rigid parts, each a surface of cubic splines in its own plane, that slide or turn on the part that carries them.
class FramesOfLinkage extends Frames {
  constructor(data) {
    super(data);
    this.surfaces = data.frames.surfaces.map((surface) => ({ ...surface, values: shares(surface.values) }));
  }
  // Where every part is, and its angle, clockwise.
  placed(q) {
    const at = [];
    this.parts.forEach(({ turns, carrier }, k) => {
      const base = carrier === null ? { x: 0, y: 0, angle: 0 } : at[carrier], [cos, sin] = [Math.cos(base.angle), Math.sin(base.angle)];
      const [x, y] = this.hinges[k], along = x + (turns ? 0 : q[k] * this.rows_per_unit);
      at.push({ x: base.x + cos * along + sin * y, y: base.y - sin * along + cos * y, angle: base.angle + (turns ? q[k] : 0) });
    });
    return at;
  }
  // The first of four splines along an axis, and their values at a place.
  splines(place) {
    const first = Math.floor(place), t = place - first, s = 1 - t;
    const values = [s ** 3, 3 * t ** 3 - 6 * t ** 2 + 4, 3 * s ** 3 - 6 * s ** 2 + 4, t ** 3];
    return { first: first - 1, values: values.map((value) => value / 6) };
  }
  // What a part changes at (x, y) of its own plane, added to `sums`.
  surface({ low, step, rows, columns, values, scale }, x, y, sums) {
    const across = this.splines((x - low[0]) / step), up = this.splines((y - low[1]) / step);
    for (let i = 0; i < 4; i += 1) {
      for (let j = 0; j < 4; j += 1) {
        const [row, column] = [up.first + i, across.first + j];
        if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
        const weight = scale * up.values[i] * across.values[j], from = (row * columns + column) * this.channels;
        for (let c = 0; c < this.channels; c += 1) sums[c] += weight * values[from + c];
      }
    }
  }
  decoded(q) {
    const { rows, columns, channels } = this, change = new Float64Array(rows * columns * channels);
    this.placed(q).forEach((part, k) => {
      const [cos, sin] = [Math.cos(part.angle), Math.sin(part.angle)];
      for (let row = 0; row < rows; row += 1) {
        for (let column = 0; column < columns; column += 1) {
          const x = (column + 0.5 - columns / 2) * this.pixel_width - part.x, y = rows / 2 - row - 0.5 - part.y;
          const sums = new Float64Array(channels), to = (row * columns + column) * channels;
          this.surface(this.surfaces[k], cos * x - sin * y, sin * x + cos * y, sums);
          const opaque = Math.min(Math.hypot(...sums) / this.surfaces[k].level, 1);
          for (let c = 0; c < channels; c += 1) change[to + c] += sums[c] - opaque * change[to + c];
        }
      }
    });
    return Uint8ClampedArray.from(this.background, (value, k) => Math.round(value + change[k]));
  }
}

const framesOf = (data) => new ({ sprites: FramesOfSprites, linkage: FramesOfLinkage }[data.frames.kind] ?? FramesOfPosition)(data);
