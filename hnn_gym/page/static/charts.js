// The phase portrait with level sets of H, and the energy over time.
"use strict";

const MARGIN = { left: 46, right: 12, top: 10, bottom: 38 };
const LEVELS = 12;
const STYLES = { learned: ["body", []], true: ["second", [6, 4]], copy: ["copy", []] };

const wrapped = (q, degree) => (degree.angle ? q - 2 * Math.PI * Math.round(q / (2 * Math.PI)) : q);

// Round numbers between low and high, some five of them.
function ticks(low, high) {
  const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((size) => size >= rough);
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high + 1e-9 * step; k += 1) found.push(Number((k * step).toPrecision(6)));
  return found;
}

// Axes around a box, with labels; returns the functions from values to pixels and back.
function axes({ context, width, height }, x, y, labels) {
  const box = { x0: MARGIN.left, x1: width - MARGIN.right, y0: MARGIN.top, y1: height - MARGIN.bottom };
  const place = {
    ...box,
    x: (value) => box.x0 + ((value - x[0]) / (x[1] - x[0])) * (box.x1 - box.x0),
    y: (value) => box.y1 - ((value - y[0]) / (y[1] - y[0])) * (box.y1 - box.y0),
    value: (px, py) => [x[0] + ((px - box.x0) / (box.x1 - box.x0)) * (x[1] - x[0]),
      y[0] + ((box.y1 - py) / (box.y1 - box.y0)) * (y[1] - y[0])],
  };
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = colour("muted");
  context.strokeStyle = colour("grid");
  context.lineWidth = 1;
  context.textAlign = "right";
  for (const value of ticks(...y)) {
    context.beginPath();
    context.moveTo(box.x0, place.y(value));
    context.lineTo(box.x1, place.y(value));
    context.stroke();
    context.fillText(value, box.x0 - 6, place.y(value) + 4);
  }
  context.textAlign = "center";
  for (const value of labels.ticks || ticks(...x)) {
    context.fillText(labels.names ? labels.names(value) : value, place.x(value), box.y1 + 15);
  }
  context.textAlign = "right";
  context.fillText(labels.x, box.x1, box.y1 + 31);
  context.textAlign = "left";
  context.fillText(labels.y, box.x0 + 4, box.y0 + 11);
  return place;
}

// The segments of the level set of a grid of values, by marching squares.
function levelSet(grid, columns, rows, level) {
  const segments = [];
  for (let j = 0; j + 1 < rows; j += 1) {
    for (let i = 0; i + 1 < columns; i += 1) {
      const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
      const crossings = [];
      for (let side = 0; side < 4; side += 1) {
        const [a, b] = [corners[side], corners[(side + 1) % 4]];
        const [fa, fb] = [grid[a[1] * columns + a[0]] - level, grid[b[1] * columns + b[0]] - level];
        if ((fa < 0) !== (fb < 0)) {
          const s = fa / (fa - fb);
          crossings.push([a[0] + s * (b[0] - a[0]), a[1] + s * (b[1] - a[1])]);
        }
      }
      for (let k = 0; k + 1 < crossings.length; k += 2) segments.push([crossings[k], crossings[k + 1]]);
    }
  }
  return segments;
}

class Portrait {
  constructor(canvas, data) {
    Object.assign(this, { canvas, data, index: 0, grid: null, made: -Infinity, cost: 0 });
    this.columns = 61;
    this.rows = 49;
  }
  choose(index) { Object.assign(this, { index, grid: null }); }
  get degree() { return this.data.degrees[this.index]; }
  // H on a grid of this degree of freedom, the others as they are now; again and again where there are others.
  energies(motion, now) {
    const several = this.data.degrees.length > 1;
    if (!motion.world.energy || (this.grid && (!several || now - this.made < Math.max(400, 30 * this.cost)))) return;
    const began = performance.now(), { q, v } = motion.state, { low, high, speed } = this.degree;
    if (!q.concat(v).every(Number.isFinite)) return;
    this.grid = new Float64Array(this.columns * this.rows);
    for (let j = 0; j < this.rows; j += 1) {
      v[this.index] = speed * ((2 * j) / (this.rows - 1) - 1);
      for (let i = 0; i < this.columns; i += 1) {
        q[this.index] = low + ((high - low) * i) / (this.columns - 1);
        this.grid[j * this.columns + i] = motion.world.energy(motion.world.point(q, v).x).energy;
      }
    }
    const sorted = Float64Array.from(this.grid).sort();
    const lowest = sorted[0], highest = sorted[Math.floor(0.97 * (sorted.length - 1))];
    this.levels = Array.from({ length: LEVELS }, (_, k) => lowest + ((highest - lowest) * (k + 0.5)) / LEVELS);
    this.range = [lowest, highest];
    this.made = now;
    this.cost = performance.now() - began;
    this.sheet = null;
  }
  // The landscape of H with its level sets, as large as its place; drawn again where that or the theme has changed.
  landscape(place) {
    const size = [place.x1 - place.x0, place.y1 - place.y0], ratio = window.devicePixelRatio || 1;
    const made = `${size} ${ratio} ${colour("paper")}`;
    if (this.sheet && this.sheetMade === made) return this.sheet;
    this.sheetMade = made;
    const [dx, dy] = [size[0] / (this.columns - 1), size[1] / (this.rows - 1)];
    this.sheet = document.createElement("canvas");
    Object.assign(this.sheet, { width: Math.round(size[0] * ratio), height: Math.round(size[1] * ratio) });
    const pen = this.sheet.getContext("2d");
    pen.scale(ratio, ratio);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(this.shades(), -dx / 2, -dy / 2, dx * this.columns, dy * this.rows);
    pen.strokeStyle = colour("level");
    pen.lineWidth = 1;
    pen.beginPath();
    for (const level of this.levels) {
      for (const [a, b] of levelSet(this.grid, this.columns, this.rows, level)) {
        pen.moveTo(a[0] * dx, size[1] - a[1] * dy);
        pen.lineTo(b[0] * dx, size[1] - b[1] * dy);
      }
    }
    pen.stroke();
    return this.sheet;
  }
  // H as shades between two colours, one pixel for each point of the grid.
  shades() {
    const sheet = Object.assign(document.createElement("canvas"), { width: this.columns, height: this.rows });
    const pen = sheet.getContext("2d"), image = pen.createImageData(this.columns, this.rows);
    const [low, high] = ["low", "high"].map((name) => colour(name).match(/\d+/g).map(Number));
    for (let j = 0; j < this.rows; j += 1) {
      for (let i = 0; i < this.columns; i += 1) {
        const value = this.grid[(this.rows - 1 - j) * this.columns + i];
        const s = Math.max(0, Math.min(1, (value - this.range[0]) / (this.range[1] - this.range[0] || 1)));
        const at = 4 * (j * this.columns + i);
        for (let c = 0; c < 3; c += 1) image.data[at + c] = low[c] + s * (high[c] - low[c]);
        image.data[at + 3] = 255;
      }
    }
    pen.putImageData(image, 0, 0);
    return sheet;
  }
  draw(simulation, now) {
    const surface = fitted(this.canvas), { context } = surface, { degree, index } = this;
    this.energies(simulation.first, now);
    const half = [-Math.PI, -Math.PI / 2, 0, Math.PI / 2, Math.PI], names = ["−π", "−π/2", "0", "π/2", "π"];
    const labels = { x: `${degree.name}${degree.angle ? " (rad)" : ""}`, y: `d${degree.name}/dt` };
    if (degree.angle) Object.assign(labels, { ticks: half, names: (value) => names[half.indexOf(value)] });
    const place = axes(surface, [degree.low, degree.high], [-degree.speed, degree.speed], labels);
    this.place = place;
    context.save();
    context.beginPath();
    context.rect(place.x0, place.y0, place.x1 - place.x0, place.y1 - place.y0);
    context.clip();
    if (this.grid) {
      const sheet = this.landscape(place);
      context.drawImage(sheet, place.x0, place.y0, place.x1 - place.x0, place.y1 - place.y0);
    }
    const recent = simulation.past.slice(-400);
    this.way(context, place, simulation.abandoned.map((moment) => moment.points[0]), "copy", 1.5, index);
    this.way(context, place, recent.map((moment) => moment.copy), "copy", 2, index);
    simulation.motions.forEach((motion, i) => {
      this.way(context, place, recent.map((moment) => moment.points[i]), motion.key, 2, index);
    });
    for (const motion of [simulation.copy, ...simulation.motions]) if (motion) this.dot(context, place, motion, index);
    context.restore();
  }
  way(context, place, states, key, width, index) {
    const [name, dashes] = STYLES[key];
    context.strokeStyle = colour(name);
    context.lineWidth = width;
    context.setLineDash(dashes);
    context.beginPath();
    let last = null;
    for (const state of states) {
      if (!state) { last = null; continue; }
      const q = wrapped(state.q[index], this.degree);
      const jumped = last === null || (this.degree.angle && Math.abs(q - last) > Math.PI);
      context[jumped ? "moveTo" : "lineTo"](place.x(q), place.y(state.v[index]));
      last = q;
    }
    context.stroke();
    context.setLineDash([]);
  }
  dot(context, place, motion, index) {
    const { q, v } = motion.state;
    context.beginPath();
    context.arc(place.x(wrapped(q[index], this.degree)), place.y(v[index]), 5.5, 0, 2 * Math.PI);
    context.fillStyle = colour(STYLES[motion.key][0]);
    context.strokeStyle = colour("paper");
    context.lineWidth = 2;
    context.fill();
    context.stroke();
  }
}

class Energies {
  constructor(canvas, data) { Object.assign(this, { canvas, data, range: null }); }
  draw(simulation) {
    const surface = fitted(this.canvas), { context } = surface, { past, abandoned } = simulation;
    const span = Math.max(Math.round(12 / this.data.dt), 120), end = Math.max(simulation.moment, past[0].moment + span);
    const begin = Math.max(past[0].moment, Math.min(simulation.moment, end) - span);
    const recent = past.filter((moment) => moment.moment >= begin);
    const later = abandoned.filter((moment) => moment.moment >= begin && moment.moment <= begin + span);
    const values = [...recent, ...later].flatMap((moment) => [...moment.points, moment.copy || {}])
      .map((point) => point.energy).filter(Number.isFinite);
    this.window = { begin, span };
    if (!values.length) return;
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const room = Math.max(0.12 * (high - low), 0.06 * Math.max(Math.abs(low), Math.abs(high)), 0.2 * this.data.joules);
    const wanted = [low - room, high + room];
    this.range = this.range ? this.range.map((old, i) => old + (wanted[i] - old) * 0.2) : wanted;
    const unit = this.data.energy_unit;
    const seconds = [begin * this.data.dt, (begin + span) * this.data.dt];
    const place = axes(surface, seconds, this.range, { x: "s", y: unit ? `H (${unit})` : "H" });
    this.place = place;
    context.save();
    context.beginPath();
    context.rect(place.x0, 0, place.x1 - place.x0, place.y1);
    context.clip();
    const line = (moments, pick, key, width) => {
      const [name, dashes] = STYLES[key];
      context.strokeStyle = colour(name);
      context.lineWidth = width;
      context.setLineDash(dashes);
      context.beginPath();
      let drawing = false;
      for (const moment of moments) {
        const point = pick(moment);
        if (!point || !Number.isFinite(point.energy)) { drawing = false; continue; }
        context[drawing ? "lineTo" : "moveTo"](place.x(moment.moment * this.data.dt), place.y(point.energy));
        drawing = true;
      }
      context.stroke();
      context.setLineDash([]);
    };
    line(later, (moment) => moment.points[0], "copy", 1.5);
    line(recent, (moment) => moment.copy, "copy", 2);
    simulation.motions.forEach((motion, i) => line(recent, (moment) => moment.points[i], motion.key, 2));
    context.restore();
  }
  // Which moment of the past is at a pixel.
  indexAt(simulation, px) {
    const moment = Math.round(this.place.value(px, 0)[0] / this.data.dt);
    return moment - simulation.past[0].moment;
  }
}
