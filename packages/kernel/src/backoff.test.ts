import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createBackoff } from "./backoff.ts";
import { createRandom } from "./random.ts";

test("nextMs() with full jitter stays below min(maxMs, baseMs * 2^attempt)", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const backoff = createBackoff({ baseMs: 100, maxMs: 5000, random: createRandom(seed), jitter: "full" });
      for (let attempt = 0; attempt < 12; attempt++) {
        const delayMs = backoff.nextMs();
        assert.ok(delayMs >= 0 && delayMs < Math.min(5000, 100 * 2 ** attempt));
      }
      assert.equal(backoff.attempts, 12);
    }),
  );
});

test("nextMs() with decorrelated jitter lies between baseMs and min(maxMs, 3 * previous)", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const backoff = createBackoff({ baseMs: 100, maxMs: 5000, random: createRandom(seed) });
      let previousMs = 100;
      for (let attempt = 0; attempt < 12; attempt++) {
        const delayMs = backoff.nextMs();
        assert.ok(delayMs >= 100 && delayMs <= Math.min(5000, 3 * previousMs));
        previousMs = delayMs;
      }
    }),
  );
});

test("nextMs() grows: the mean of late delays is many times baseMs", () => {
  for (const jitter of ["full", "decorrelated"] as const) {
    const backoff = createBackoff({ baseMs: 10, maxMs: 1000, random: createRandom(5), jitter });
    for (let i = 0; i < 20; i++) backoff.nextMs();
    let sumMs = 0;
    for (let i = 0; i < 200; i++) sumMs += backoff.nextMs();
    assert.ok(sumMs / 200 > 300, `${jitter}: ${sumMs / 200}`);
  }
});

test("reset() starts over", () => {
  const backoff = createBackoff({ baseMs: 10, maxMs: 10_000, random: createRandom(5), jitter: "full" });
  for (let i = 0; i < 10; i++) backoff.nextMs();
  backoff.reset();
  assert.equal(backoff.attempts, 0);
  assert.ok(backoff.nextMs() < 10);
});

test("createBackoff() refuses delays that make no sense", () => {
  const random = createRandom(1);
  assert.throws(() => createBackoff({ baseMs: 0, maxMs: 10, random }), { code: "KERNEL_INVALID_ARGUMENT" });
  assert.throws(() => createBackoff({ baseMs: 10, maxMs: 9, random }), { code: "KERNEL_INVALID_ARGUMENT" });
});
