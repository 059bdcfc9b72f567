import assert from "node:assert/strict";
import { test } from "node:test";
import { OutputWatch } from "./output-watch.ts";

const BYTES_MIN = 100;

/** Output of which the test says what was sent and taken. */
class FakeOutput {
  readonly output: { pendingBytes: number } = { pendingBytes: 0 };
  sentBytes: number = 0;
  takenBytes: number = 0;
}

test("look() finds a client that takes nothing, or a little now and then", () => {
  const transport = new FakeOutput();
  transport.sentBytes = 50_000;
  const watch = new OutputWatch(transport, 0);
  assert.equal(watch.look(1000, BYTES_MIN), true);
  for (let look = 2; look < 5; look++) {
    transport.takenBytes += BYTES_MIN - 1;
    assert.equal(watch.look(look * 1000, BYTES_MIN), true);
  }
  assert.equal(watch.lookedAtMs, 4000);
});

test("look() lets a client go on that takes the minimum, or all that waited", () => {
  const transport = new FakeOutput();
  transport.sentBytes = 50_000;
  const watch = new OutputWatch(transport, 0);
  transport.takenBytes += BYTES_MIN;
  assert.equal(watch.look(1000, BYTES_MIN), false);
  transport.takenBytes = 50_000;
  assert.equal(watch.look(2000, BYTES_MIN), false);
  // A few bytes now and then, each taken before the next come.
  for (let look = 3; look < 6; look++) {
    transport.sentBytes += 10;
    assert.equal(watch.look(look * 1000, BYTES_MIN), false);
    transport.takenBytes += 10;
  }
});

test("look() counts output that is not written out yet as waiting", () => {
  const transport = new FakeOutput();
  transport.output.pendingBytes = 10;
  const watch = new OutputWatch(transport, 0);
  assert.equal(watch.look(1000, BYTES_MIN), true);
});
