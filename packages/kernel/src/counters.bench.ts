// Run with `node -C source packages/kernel/src/counters.bench.ts`: time and heap per operation.
import { bench, do_not_optimize, run } from "mitata";
import { createCounterBlock } from "./counters.ts";
import { Drain } from "./drain.ts";
import { Ewma, PeakEwma } from "./ewma.ts";
import { systemClock } from "./clock.ts";
import { Ring } from "./ring.ts";
import { SlabPool } from "./slab-pool.ts";
import { SlidingWindow } from "./sliding-window.ts";
import { TokenBucket } from "./token-bucket.ts";

// What a request touches on its way, one by one.
const block = createCounterBlock(["requests", "errors", "bytes"]);
const ewma = new Ewma(10_000);
const peak = new PeakEwma(10_000);
const window = new SlidingWindow({ windowMs: 10_000, buckets: 10, columns: 2 });
const bucket = new TokenBucket({ ratePerSecond: 1e9, burst: 1e6 }, 0);
const ring = new Ring<object>(1024);
const drain = new Drain(systemClock, 1000);
const pool = new SlabPool({ slabBytes: 65_536, freeMax: 16 });
const item = {};
// On a typed array, since a variable would allocate a number per store.
const time = new Float64Array(1);
const tick = (): number => (time[0] = (time[0] ?? 0) + 0.01);

bench("CounterBlock.increment()", () => block.increment(0));
bench("Ewma.observe()", () => ewma.observe(17.5, tick()));
bench("PeakEwma.observe()", () => peak.observe(17.5, tick()));
bench("SlidingWindow.add()", () => window.add(0, 1, tick()));
bench("TokenBucket.tryTake()", () => do_not_optimize(bucket.tryTake(1, tick())));
bench("Ring.push() + shift()", () => {
  ring.push(item);
  do_not_optimize(ring.shift());
});
bench("Drain.track() + release()", () => {
  drain.track();
  drain.release();
});
bench("SlabPool.acquire() + release()", () => {
  pool.release(pool.acquire());
});

await run();
