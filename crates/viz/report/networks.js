/**
 * Runs a network that is stored as a list of ONNX operators, one sample at a time.
 *
 * `Networks.compile(network, bytes)` plans every operator once: it infers the shapes, arranges the
 * weights and allocates all buffers. The function that it returns allocates nothing.
 *
 * A network is `{inputs, output, nodes, tensors}`:
 * - inputs: `[{name, shape}]`, the batch axis has length 1
 * - nodes: `[{op, inputs, output, ...attributes}]` in order of computation
 * - tensors: `{name: {shape, type, at, scales}}`; `type` is "f32", "f16" or "i8", and `at` the
 *   position of the first byte; "i8" has one f32 scale per index of the first axis, at `scales`;
 *   tensors of whole numbers have `values` instead
 */
const Networks = (() => {
  const count = (shape) => shape.reduce((product, length) => product * length, 1);

  /** A tensor that changes with every run. */
  const variable = (shape) => ({ shape, data: new Float64Array(count(shape)) });

  /** IEEE 754 half precision to a number. */
  function half(bits) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }

  /** Reads a stored tensor. */
  function decode({ shape, type, at, scales, values }, bytes) {
    if (values) return { shape, data: Float64Array.from(values), constant: true };
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const size = count(shape);
    const data = new Float64Array(size);
    const row = size / (shape[0] || 1);
    for (let i = 0; i < size; i++) {
      if (type === "f16") data[i] = half(view.getUint16(at + 2 * i, true));
      else if (type === "f32") data[i] = view.getFloat32(at + 4 * i, true);
      else data[i] = view.getInt8(at + i) * view.getFloat32(scales + 4 * Math.floor(i / row), true);
    }
    return { shape, data, constant: true };
  }

  /** out[r][c] = bias[r] + sum over k of a[r][k] * b[c][k], in tiles of 2 x 4. */
  function multiply(out, a, b, bias, rows, columns, depth) {
    let r = 0;
    for (; r + 2 <= rows; r += 2) {
      const a0 = r * depth;
      const a1 = a0 + depth;
      let c = 0;
      for (; c + 4 <= columns; c += 4) {
        let b0 = c * depth;
        let b1 = b0 + depth;
        let b2 = b1 + depth;
        let b3 = b2 + depth;
        let s00 = bias[r];
        let s01 = s00;
        let s02 = s00;
        let s03 = s00;
        let s10 = bias[r + 1];
        let s11 = s10;
        let s12 = s10;
        let s13 = s10;
        for (let k = 0; k < depth; k++) {
          const x = a[a0 + k];
          const y = a[a1 + k];
          const u = b[b0++];
          const v = b[b1++];
          const w = b[b2++];
          const z = b[b3++];
          s00 += x * u;
          s01 += x * v;
          s02 += x * w;
          s03 += x * z;
          s10 += y * u;
          s11 += y * v;
          s12 += y * w;
          s13 += y * z;
        }
        const o0 = r * columns + c;
        const o1 = o0 + columns;
        out[o0] = s00;
        out[o0 + 1] = s01;
        out[o0 + 2] = s02;
        out[o0 + 3] = s03;
        out[o1] = s10;
        out[o1 + 1] = s11;
        out[o1 + 2] = s12;
        out[o1 + 3] = s13;
      }
      for (; c < columns; c++) {
        out[r * columns + c] = dot(a, a0, b, c * depth, depth, bias[r]);
        out[(r + 1) * columns + c] = dot(a, a1, b, c * depth, depth, bias[r + 1]);
      }
    }
    for (; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        out[r * columns + c] = dot(a, r * depth, b, c * depth, depth, bias[r]);
      }
    }
  }

  function dot(a, i, b, j, depth, start) {
    let sum = start;
    for (let k = 0; k < depth; k++) sum += a[i + k] * b[j + k];
    return sum;
  }

  /** `[rows, columns]` to `[columns, rows]`. */
  function transpose(from, to, rows, columns) {
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) to[c * rows + r] = from[r * columns + c];
    }
    return to;
  }

  /** An operator that computes each element on its own. */
  const elementwise = (compute) => (inputs, node) => {
    const out = variable(inputs[0].shape);
    const x = inputs[0].data;
    const f = compute(node, inputs);
    const run = () => {
      for (let i = 0; i < x.length; i++) out.data[i] = f(x[i]);
    };
    return { out, run };
  };

  /** The position in a tensor of `shape` that each element of the broadcast `target` reads. */
  function broadcast(shape, target) {
    const places = new Int32Array(count(target));
    const missing = target.length - shape.length;
    for (let i = 0; i < places.length; i++) {
      let rest = i;
      let stride = 1;
      for (let axis = target.length - 1; axis >= missing; axis--) {
        const index = rest % target[axis];
        rest = Math.floor(rest / target[axis]);
        if (shape[axis - missing] > 1) places[i] += index * stride;
        stride *= shape[axis - missing];
      }
    }
    return places;
  }

  /** An operator on two tensors that are broadcast against each other. */
  const binary = (f) => (inputs) => {
    const [a, b] = inputs;
    const rank = Math.max(a.shape.length, b.shape.length);
    const length = (shape, axis) => shape[axis - rank + shape.length] ?? 1;
    const shape = Array.from({ length: rank }, (_, axis) =>
      Math.max(length(a.shape, axis), length(b.shape, axis)),
    );
    const out = variable(shape);
    const [i, j] = [broadcast(a.shape, shape), broadcast(b.shape, shape)];
    const run = () => {
      for (let k = 0; k < i.length; k++) out.data[k] = f(a.data[i[k]], b.data[j[k]]);
    };
    return { out, run };
  };

  /** An operator that combines the elements along the last axis, and removes this axis. */
  const reduction = (f, start) => (inputs) => {
    const [x] = inputs;
    const out = variable(x.shape.slice(0, -1));
    const length = x.shape.at(-1);
    const run = () => {
      for (let i = 0; i < out.data.length; i++) {
        let result = start;
        for (let k = 0; k < length; k++) result = f(result, x.data[i * length + k]);
        out.data[i] = result;
      }
    };
    return { out, run };
  };

  /** An operator that copies elements: `place(index)` is the source of each output element. */
  function copy(x, shape, place) {
    const out = variable(shape);
    const places = Int32Array.from({ length: out.data.length }, (_, i) => place(i));
    const run = () => {
      for (let i = 0; i < places.length; i++) out.data[i] = x.data[places[i]];
    };
    return { out, run };
  }

  /** An operator that computes nothing: the same elements in another shape. */
  const reshaped = (x, shape) => ({ out: { ...x, shape }, run: null });

  const zeros = (size) => new Float64Array(size);

  const operators = {
    Add: binary((a, b) => a + b),
    Sub: binary((a, b) => a - b),
    Mul: binary((a, b) => a * b),
    Relu: elementwise(() => (x) => (x > 0 ? x : 0)),
    LeakyRelu: elementwise((node) => (x) => (x > 0 ? x : node.alpha * x)),
    Sigmoid: elementwise(() => (x) => 1 / (1 + Math.exp(-x))),
    Tanh: elementwise(() => Math.tanh),
    Softplus: elementwise(() => (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),

    Clip: elementwise((_, [, low, high]) => {
      const [least, most] = [low.data[0], high.data[0]];
      return (x) => Math.min(Math.max(x, least), most);
    }),

    Gemm([x, w, bias]) {
      const [columns, depth] = w.shape;
      const start = bias ? bias.data : zeros(columns);
      const out = variable([1, columns]);
      return { out, run: () => multiply(out.data, w.data, x.data, start, columns, 1, depth) };
    },

    Conv([x, w, bias], { stride, padding }) {
      const [, channels, height, width] = x.shape;
      const [filters, , kernelY, kernelX] = w.shape;
      const rows = Math.floor((height + 2 * padding - kernelY) / stride) + 1;
      const columns = Math.floor((width + 2 * padding - kernelX) / stride) + 1;
      const depth = channels * kernelY * kernelX;
      // For each output pixel the inputs under the kernel; -1 is padding.
      const places = new Int32Array(rows * columns * depth).fill(-1);
      let at = 0;
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < columns; c++) {
          for (let k = 0; k < depth; k++, at++) {
            const row = r * stride - padding + (Math.floor(k / kernelX) % kernelY);
            const column = c * stride - padding + (k % kernelX);
            const inside = row >= 0 && row < height && column >= 0 && column < width;
            const channel = Math.floor(k / (kernelX * kernelY));
            if (inside) places[at] = (channel * height + row) * width + column;
          }
        }
      }
      const patches = zeros(places.length);
      const start = bias ? bias.data : zeros(filters);
      const out = variable([1, filters, rows, columns]);
      const run = () => {
        for (let i = 0; i < places.length; i++) {
          const place = places[i];
          if (place >= 0) patches[i] = x.data[place];
        }
        multiply(out.data, w.data, patches, start, filters, rows * columns, depth);
      };
      return { out, run };
    },

    ConvTranspose([x, w, bias], { stride, padding }) {
      const [, channels, height, width] = x.shape;
      const [, filters, kernelY, kernelX] = w.shape;
      const rows = (height - 1) * stride - 2 * padding + kernelY;
      const columns = (width - 1) * stride - 2 * padding + kernelX;
      const area = height * width;
      const taps = filters * kernelY * kernelX;
      const weights = transpose(w.data, zeros(w.data.length), channels, taps);
      const [pixels, products, start] = [zeros(area * channels), zeros(taps * area), zeros(taps)];
      const out = variable([1, filters, rows, columns]);
      // The output pixel to which each product is added; -1 is cut off.
      const places = new Int32Array(taps * area).fill(-1);
      for (let i = 0; i < places.length; i++) {
        const [tap, pixel] = [Math.floor(i / area), i % area];
        const kernel = tap % (kernelY * kernelX);
        const row = Math.floor(pixel / width) * stride - padding + Math.floor(kernel / kernelX);
        const column = (pixel % width) * stride - padding + (kernel % kernelX);
        const filter = Math.floor(tap / (kernelY * kernelX));
        const inside = row >= 0 && row < rows && column >= 0 && column < columns;
        if (inside) places[i] = (filter * rows + row) * columns + column;
      }
      const run = () => {
        transpose(x.data, pixels, channels, area);
        multiply(products, weights, pixels, start, taps, area, channels);
        for (let i = 0; i < out.data.length; i++) {
          out.data[i] = bias ? bias.data[Math.floor(i / (rows * columns))] : 0;
        }
        for (let i = 0; i < places.length; i++) {
          const place = places[i];
          if (place >= 0) out.data[place] += products[i];
        }
      };
      return { out, run };
    },

    BatchNormalization([x, scale, bias, mean, variance], { epsilon }) {
      const out = variable(x.shape);
      const area = count(x.shape.slice(2));
      const factor = scale.data.map((value, i) => value / Math.sqrt(variance.data[i] + epsilon));
      const shift = bias.data.map((value, i) => value - mean.data[i] * factor[i]);
      const run = () => {
        for (let i = 0; i < out.data.length; i++) {
          const channel = Math.floor(i / area) % factor.length;
          out.data[i] = x.data[i] * factor[channel] + shift[channel];
        }
      };
      return { out, run };
    },

    Concat(inputs, { axis }) {
      const rank = inputs[0].shape.length;
      const along = (axis + rank) % rank;
      const shape = [...inputs[0].shape];
      shape[along] = inputs.reduce((sum, x) => sum + x.shape[along], 0);
      const out = variable(shape);
      const outer = count(shape.slice(0, along));
      const sizes = inputs.map((x) => x.data.length / outer);
      const run = () => {
        let at = 0;
        for (let o = 0; o < outer; o++) {
          for (let n = 0; n < inputs.length; n++) {
            for (let i = 0; i < sizes[n]; i++) out.data[at++] = inputs[n].data[o * sizes[n] + i];
          }
        }
      };
      return { out, run };
    },

    Reshape([x, target]) {
      const shape = Array.from(target.data, (length, i) => (length === 0 ? x.shape[i] : length));
      const known = shape.reduce((product, n) => (n < 0 ? product : product * n), 1);
      const inferred = shape.map((length) => (length < 0 ? count(x.shape) / known : length));
      return reshaped(x, inferred);
    },

    Transpose([x], { perm }) {
      const shape = perm.map((axis) => x.shape[axis]);
      const stride = (axis) => count(x.shape.slice(axis + 1));
      const steps = perm.map(stride);
      return copy(x, shape, (index) => {
        let place = 0;
        for (let axis = shape.length - 1; axis >= 0; axis--) {
          place += (index % shape[axis]) * steps[axis];
          index = Math.floor(index / shape[axis]);
        }
        return place;
      });
    },

    DepthToSpace([x], { blocksize: b }) {
      const [, depth, height, width] = x.shape;
      const channels = depth / (b * b);
      const shape = [1, channels, height * b, width * b];
      return copy(x, shape, (index) => {
        const column = index % (width * b);
        const row = Math.floor(index / (width * b)) % (height * b);
        const channel = Math.floor(index / (width * height * b * b));
        const block = (row % b) * b + (column % b);
        const from = channel * b * b + block;
        return (from * height + Math.floor(row / b)) * width + Math.floor(column / b);
      });
    },

    SpaceToDepth([x], { blocksize: b }) {
      const [, channels, height, width] = x.shape;
      const [rows, columns] = [height / b, width / b];
      return copy(x, [1, channels * b * b, rows, columns], (index) => {
        const column = index % columns;
        const row = Math.floor(index / columns) % rows;
        const depth = Math.floor(index / (rows * columns));
        const [block, channel] = [Math.floor(depth / channels), depth % channels];
        const y = row * b + Math.floor(block / b);
        return (channel * height + y) * width + column * b + (block % b);
      });
    },

    ReduceMax: reduction(Math.max, -Infinity),
    ReduceSum: reduction((a, b) => a + b, 0),

    OneHot([labels, depth, values]) {
      const out = variable([labels.data.length, depth.data[0]]);
      const run = () => {
        for (let i = 0; i < out.data.length; i++) {
          const [row, column] = [Math.floor(i / depth.data[0]), i % depth.data[0]];
          out.data[i] = values.data[labels.data[row] === column ? 1 : 0];
        }
      };
      return { out, run };
    },
  };

  /** A function from `{name: values}` to the output, which is overwritten by the next call. */
  function compile(network, bytes) {
    const tensors = new Map();
    for (const [name, stored] of Object.entries(network.tensors)) {
      tensors.set(name, decode(stored, bytes));
    }
    for (const { name, shape } of network.inputs) tensors.set(name, variable(shape));
    const steps = [];
    for (const node of network.nodes) {
      const operator = operators[node.op];
      if (!operator) throw new Error(`the operator ${node.op} is not supported`);
      const inputs = node.inputs.map((name) => tensors.get(name));
      const { out, run } = operator(inputs, node);
      tensors.set(node.output, out);
      if (run) steps.push(run);
    }
    const output = tensors.get(network.output);
    return (values) => {
      for (const { name } of network.inputs) tensors.get(name).data.set(values[name]);
      for (const step of steps) step();
      return output.data;
    };
  }

  /** The bytes of base64 text. */
  function bytes(text) {
    const binary = atob(text);
    return Uint8Array.from({ length: binary.length }, (_, i) => binary.charCodeAt(i));
  }

  return { compile, bytes };
})();

if (typeof module !== "undefined") module.exports = Networks;
