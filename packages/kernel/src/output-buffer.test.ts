import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { OUTPUT_CONGESTED_BYTES, OUTPUT_SLAB_BYTES } from "./limits.ts";
import { OutputBuffer } from "./output-buffer.ts";
import { releaseOutputSlab } from "./output-slabs.ts";
import { OutputScheduler } from "./output-scheduler.ts";

function createOutput(): { output: OutputBuffer; pending: () => number } {
  let pending = 0;
  return { output: new OutputBuffer({ onOutputPending: () => pending++ }), pending: () => pending };
}

describe("OutputBuffer", () => {
  test("keeps the order of what is written in any way, over any number of slabs", () => {
    const piece = fc.oneof(fc.nat(100), fc.nat(200_000), fc.constant(OUTPUT_SLAB_BYTES));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom("bytes", "text", "reserve"), piece), { maxLength: 20 }),
        (pieces) => {
          const { output } = createOutput();
          const expected: Buffer[] = [];
          for (const [index, [how, size]] of pieces.entries()) {
            const bytes = Buffer.alloc(size, 97 + index);
            expected.push(bytes);
            if (how === "bytes") output.writeBytes(bytes, 0, size);
            else if (how === "text") output.writeLatin1(bytes.toString("latin1"));
            else {
              const at = output.reserve(size);
              assert.ok(output.bytes.length - at >= size, "contiguous room");
              bytes.copy(output.bytes, at);
              output.position = at + size;
            }
          }
          const whole = Buffer.concat(expected);
          assert.equal(output.pendingBytes, whole.length);
          assert.ok(Buffer.concat(output.take()).equals(whole));
          assert.equal(output.pendingBytes, 0);
          assert.equal(output.take().length, 0);
        },
      ),
      { numRuns: 50 },
    );
  });

  test("tells its sink once when it stops being empty", () => {
    const { output, pending } = createOutput();
    output.writeLatin1("a");
    output.writeLatin1("b");
    output.writeBytes(Buffer.alloc(200_000), 0, 200_000);
    assert.equal(pending(), 1);
    output.take();
    output.writeLatin1("c");
    assert.equal(pending(), 2);
  });

  test("room that is reserved and not used leaves nothing behind", () => {
    const { output } = createOutput();
    output.reserve(10);
    assert.equal(output.pendingBytes, 0);
    assert.equal(output.takeSlab(), null);
    output.reserve(OUTPUT_SLAB_BYTES + 1);
    assert.equal(output.take().length, 0);
  });

  test("takeSlab() gives the one slab, and nothing when there are more", () => {
    const { output } = createOutput();
    output.writeLatin1("abc");
    const { position } = output;
    assert.equal(output.takeSlab()?.toString("latin1", 0, position), "abc");
    output.writeBytes(Buffer.alloc(OUTPUT_SLAB_BYTES + 1), 0, OUTPUT_SLAB_BYTES + 1);
    assert.equal(output.takeSlab(), null);
    assert.equal(Buffer.concat(output.take()).length, OUTPUT_SLAB_BYTES + 1);
  });

  test("is congested when more waits than OUTPUT_CONGESTED_BYTES", () => {
    const { output } = createOutput();
    const slab = Buffer.alloc(OUTPUT_SLAB_BYTES);
    let written = 0;
    while (!output.isCongested) {
      output.writeBytes(slab, 0, slab.length);
      written += slab.length;
    }
    assert.ok(written > OUTPUT_CONGESTED_BYTES && written <= OUTPUT_CONGESTED_BYTES + 2 * OUTPUT_SLAB_BYTES);
  });

  test("slabs that were given back are used again, and others are left alone", () => {
    const { output } = createOutput();
    output.writeLatin1("abc");
    const slab = output.takeSlab();
    assert.ok(slab !== null);
    releaseOutputSlab(slab);
    output.writeLatin1("def");
    assert.equal(output.takeSlab()?.buffer, slab.buffer);
    const large = Buffer.alloc(OUTPUT_SLAB_BYTES + 1);
    releaseOutputSlab(large);
    output.writeLatin1("ghi");
    assert.notEqual(output.takeSlab()?.buffer, large.buffer);
  });
});

describe("OutputScheduler", () => {
  test("flushes each once at the end of the turn, in the order in which they came", async () => {
    const scheduler = new OutputScheduler();
    const flushed: string[] = [];
    scheduler.add({ flush: () => flushed.push("a") });
    scheduler.add({ flush: () => flushed.push("b") });
    await Promise.resolve();
    assert.deepEqual(flushed, []);
    await new Promise(setImmediate);
    assert.deepEqual(flushed, ["a", "b"]);
  });

  test("with one open task, flushes with the read that made the output", () => {
    const scheduler = new OutputScheduler();
    const flushed: string[] = [];
    scheduler.openTasks = 1;
    scheduler.beginRead();
    scheduler.add({ flush: () => flushed.push("a") });
    scheduler.add({ flush: () => flushed.push("b") });
    assert.deepEqual(flushed, []);
    scheduler.endRead();
    assert.deepEqual(flushed, ["a", "b"]);
  });

  test("with more, waits for the other reads of the turn", async () => {
    const scheduler = new OutputScheduler();
    const flushed: string[] = [];
    scheduler.openTasks = 2;
    for (const name of ["a", "b"]) {
      scheduler.beginRead();
      scheduler.add({ flush: () => flushed.push(name) });
      scheduler.endRead();
    }
    assert.deepEqual(flushed, []);
    await new Promise(setImmediate);
    assert.deepEqual(flushed, ["a", "b"]);
  });

  test("keeps the order of what came before a read and with it", async () => {
    const scheduler = new OutputScheduler();
    const flushed: string[] = [];
    scheduler.add({ flush: () => flushed.push("before") });
    scheduler.beginRead();
    scheduler.add({ flush: () => flushed.push("with") });
    scheduler.endRead();
    assert.deepEqual(flushed, []);
    await new Promise(setImmediate);
    assert.deepEqual(flushed, ["before", "with"]);
  });

  test("what a flush makes dirty waits for the next turn", async () => {
    const scheduler = new OutputScheduler();
    const flushed: string[] = [];
    const again = { flush: () => void flushed.push("again") };
    scheduler.add({
      flush: () => {
        flushed.push("first");
        scheduler.add(again);
      },
    });
    scheduler.flushAll();
    assert.deepEqual(flushed, ["first"]);
    scheduler.flushAll();
    assert.deepEqual(flushed, ["first", "again"]);
    await new Promise(setImmediate);
    assert.deepEqual(flushed, ["first", "again"]);
  });
});
