// Motions of the worlds of a page: the present state of each, their past, and a copy that nothing is done to.
"use strict";

const MOST_MOMENTS = 1500;

// The state that a step leads from to x, by Newton's rule with differences; null if it is not found.
function undone(step, x, force) {
  let y = step(x, force).x.map((value, i) => 2 * x[i] - value);
  for (let k = 0; k < 30; k += 1) {
    const there = step(y, force).x, left = Array.from(x, (value, i) => value - there[i]);
    if (!left.every(Number.isFinite)) return null;
    if (left.every((value, i) => Math.abs(value) <= 1e-11 * (1 + Math.abs(x[i])))) return y;
    const columns = Array.from(y, (value, i) => {
      const size = 1e-6 * (1 + Math.abs(value)), moved = y.slice();
      moved[i] += size;
      return step(moved, force).x.map((entry, j) => (entry - there[j]) / size);
    });
    const change = solved(left.map((value, j) => [...columns.map((column) => column[j]), value]));
    y = y.map((value, i) => value + change[i]);
  }
  return null;
}

// The solution of linear equations, rows [a1, ..., an, b], by Gauss's elimination.
function solved(rows) {
  const n = rows.length;
  for (let k = 0; k < n; k += 1) {
    const pivot = rows.slice(k).reduce((best, row, i) => (Math.abs(row[k]) > Math.abs(rows[best][k]) ? k + i : best), k);
    [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
    for (let i = 0; i < n; i += 1) {
      const share = i === k ? 0 : rows[i][k] / rows[k][k];
      if (share) rows[i] = rows[i].map((entry, j) => entry - share * rows[k][j]);
    }
  }
  return rows.map((row, k) => row[n] / row[k]);
}

class Motion {
  constructor(key, world, x, data) {
    Object.assign(this, { key, world, x, before: x, data });
  }
  get state() { return this.world.state(this.x); }
  // H, with the zero of the true one; of a network without physics the true energy of its state, where it is known.
  get energy() {
    const truth = this.data.worlds.true;
    if (this.world.energy) return this.world.energy(this.x).energy + (this.world === truth ? 0 : this.data.zero);
    const { q, v } = this.state;
    return truth ? truth.energy(truth.point(q, v).x).energy : NaN;
  }
  // Make a step; false if time runs backwards and no earlier state is found.
  advance(force, forwards) {
    const { step, back } = this.world;
    const next = forwards ? step(this.x, force).x : back ? back(this.x, force).x : undone(step, this.x, force);
    if (!next) return false;
    [this.before, this.x] = [this.x, next];
    return true;
  }
  // Where its energy is known: its own, or the true one of its state.
  get canBump() { return Boolean(this.world.bump || (!this.world.energy && this.data.worlds.true?.bump)); }
  // Give it an energy by an impulse; returns what it got.
  bump(energy) {
    const { world, data: { worlds: { true: truth } } } = this;
    const { q, v } = this.state, given = world.bump ? world.bump(this.x, [energy]) : truth.bump(truth.point(q, v).x, [energy]);
    if (world.bump) this.x = given.x;
    else {
      const now = truth.state(given.x);
      this.x = world.point(now.q, now.v).x;
    }
    this.before = this.x;
    return given.realised;
  }
  // Positions a share of a step after the last state: the cubic that both ends and their velocities determine.
  between(share, dt) {
    const a = this.world.state(this.before), b = this.state;
    const s = share, s2 = s * s, s3 = s2 * s;
    return b.q.map((q, i) => (2 * s3 - 3 * s2 + 1) * a.q[i] + (s3 - 2 * s2 + s) * dt * a.v[i]
      + (3 * s2 - 2 * s3) * q + (s3 - s2) * dt * b.v[i]);
  }
}

class Simulation {
  constructor(data) {
    this.data = data;
    this.forwards = true;
    this.shown = Object.keys(data.worlds);
    this.reset(data.starts[0]);
  }
  // Start all worlds at a state [q, v].
  reset(state) {
    const n = state.length / 2, q = state.slice(0, n), v = state.slice(n);
    this.motions = this.shown.map((key) => {
      const world = this.data.worlds[key];
      return new Motion(key, world, world.point(q, v).x, this.data);
    });
    this.copy = null;
    this.past = [];
    this.abandoned = [];
    this.moment = 0;
    this.remember();
  }
  get first() { return this.motions[0]; }
  get canBump() { return this.motions.every((motion) => motion.canBump); }
  get hasEnergy() { return Boolean(this.first.world.energy || this.data.worlds.true); }
  get finite() { return this.motions.every((motion) => motion.x.every(Number.isFinite)); }
  get dt() { return this.forwards ? this.data.dt : -this.data.dt; }
  get free() { return this.data.forces.map(() => 0); }
  // Step all worlds; false, and nothing has changed, if one of them cannot be stepped back.
  step(force) {
    const all = [...this.motions, ...(this.copy ? [this.copy] : [])], before = all.map(({ x, before: last }) => ({ x, before: last }));
    if (!all.every((motion) => motion.advance(motion === this.copy ? this.free : force, this.forwards))) {
      all.forEach((motion, i) => Object.assign(motion, before[i]));
      return false;
    }
    this.moment += 1;
    this.remember();
    return true;
  }
  // Give every world an energy; returns what the first one realised.
  bump(energy) {
    const realised = this.motions.map((motion) => motion.bump(energy));
    this.past.pop();
    this.remember();
    return realised[0];
  }
  reverse() {
    this.forwards = !this.forwards;
    for (const motion of [...this.motions, this.copy]) if (motion) motion.before = motion.x;
  }
  // Keep or drop a copy that goes on from this moment without pushes and bumps.
  branch() {
    this.copy = this.copy ? null : new Motion("copy", this.first.world, this.first.x, this.data);
  }
  remember() {
    const moment = { moment: this.moment, forwards: this.forwards };
    moment.points = this.motions.map((motion) => ({ x: motion.x, energy: motion.energy, ...motion.state }));
    moment.copy = this.copy && { x: this.copy.x, energy: this.copy.energy, ...this.copy.state };
    this.past.push(moment);
    if (this.past.length > MOST_MOMENTS) this.past.shift();
    while (this.abandoned.length && this.abandoned[0].moment < this.past[0].moment) this.abandoned.shift();
  }
  // Go back to an earlier moment; what happened after it stays as the abandoned future.
  rewind(index) {
    const at = Math.max(0, Math.min(index, this.past.length - 1));
    const later = this.past.splice(at + 1);
    if (later.length > this.abandoned.length || !later.length) this.abandoned = later.length ? later : this.abandoned;
    const then = this.past[at];
    this.motions.forEach((motion, i) => { motion.x = motion.before = then.points[i].x; });
    this.copy = null;
    this.forwards = then.forwards;
    this.moment = then.moment;
  }
}
