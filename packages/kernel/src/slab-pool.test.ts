import assert from "node:assert/strict";
import { test } from "node:test";
import { SlabPool } from "./slab-pool.ts";

test("SlabPool hands a released slab out again and keeps at most freeMax", () => {
  const pool = new SlabPool({ slabBytes: 1024, freeMax: 1 });
  const first = pool.acquire();
  const second = pool.acquire();
  assert.equal(first.length, 1024);
  assert.notEqual(first.buffer, second.buffer, "slabs share no memory");
  assert.equal(pool.outstanding, 2);
  pool.release(first);
  pool.release(second);
  assert.equal(pool.outstanding, 0);
  assert.equal(pool.free, 1);
  assert.equal(pool.acquire(), first);
});

test("release() asserts against a second release, parts of a slab and foreign buffers", () => {
  const pool = new SlabPool({ slabBytes: 1024, freeMax: 4 });
  const slab = pool.acquire();
  assert.throws(() => pool.release(slab.subarray(0)), { code: "KERNEL_ASSERTION_FAILED" });
  assert.throws(() => pool.release(Buffer.alloc(1024)), { code: "KERNEL_ASSERTION_FAILED" });
  pool.release(slab);
  assert.throws(() => pool.release(slab), { code: "KERNEL_ASSERTION_FAILED" });
});

test("SlabPool() refuses sizes outside its limits", () => {
  assert.throws(() => new SlabPool({ slabBytes: 1, freeMax: 1 }), { code: "KERNEL_INVALID_ARGUMENT" });
  assert.throws(() => new SlabPool({ slabBytes: 1024, freeMax: -1 }), { code: "KERNEL_INVALID_ARGUMENT" });
});
