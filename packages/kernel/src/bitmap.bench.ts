// Run with `node -C source packages/kernel/src/bitmap.bench.ts`: time and heap per operation.
// mitata's own bookkeeping is about 384 bytes per sample here: that much is 0 for the bitmap.
import { bench, do_not_optimize, run, summary } from "mitata";
import { Bitmap } from "./bitmap.ts";
import { createRandom } from "./random.ts";

const HOSTS = 8000;
const random = createRandom(1);
const healthy = new Bitmap(HOSTS);
const zone = new Bitmap(HOSTS);
for (let i = 0; i < HOSTS; i++) {
  if (random.below(100) < 98) healthy.set(i);
  if (random.below(3) === 0) zone.set(i);
}
const subset = new Bitmap(HOSTS);
const healthySet = new Set<number>();
healthy.iterate((index) => healthySet.add(index));
const zoneSet = new Set<number>();
zone.iterate((index) => zoneSet.add(index));

summary(() => {
  bench("Bitmap: subset of 8000 hosts = zone and healthy", () => {
    subset.copyFrom(zone);
    subset.and(healthy);
  });
  bench("Set: the same", () => {
    const both = new Set<number>();
    for (const index of zoneSet) if (healthySet.has(index)) both.add(index);
    do_not_optimize(both);
  });
});
bench("Bitmap.count() of 8000", () => do_not_optimize(healthy.count()));
bench("Bitmap.nextSetBit() over 8000", () => {
  let sum = 0;
  for (let index = zone.nextSetBit(0); index >= 0; index = zone.nextSetBit(index + 1)) sum += index;
  do_not_optimize(sum);
});

await run();
