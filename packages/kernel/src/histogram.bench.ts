// Run with `node -C source packages/kernel/src/histogram.bench.ts`: time and heap per operation.
import { createHistogram } from "node:perf_hooks";
import { bench, do_not_optimize, run, summary } from "mitata";
import { Histogram } from "./histogram.ts";
import { createRandom } from "./random.ts";

const random = createRandom(1);
const values = Float64Array.from({ length: 4096 }, () => 2 ** (random.next() * 20));
const histogram = new Histogram();
const native = createHistogram();
let next = 0;

summary(() => {
  bench("Histogram.record()", () => {
    histogram.record(values[next++ & 4095] ?? 0);
  });
  bench("node:perf_hooks histogram.record()", () => {
    native.record(Math.ceil(values[next++ & 4095] ?? 0));
  });
});
bench("Histogram.quantile(0.99)", () => do_not_optimize(histogram.quantile(0.99)));
bench("Histogram.snapshot()", () => do_not_optimize(histogram.snapshot()));

await run();
