import assert from "node:assert/strict";
import { test } from "node:test";
import { isWeftError } from "@weft/kernel";
import { createBoltClientOptions, createBoltServerOptions } from "../bolt/options.ts";
import { createDubboClientOptions, createDubboServerOptions } from "../dubbo/options.ts";
import { createRpcCounts } from "./counts.ts";
import { FRAME_BYTES_MAX, STREAMS_MAX, UNCONSUMED_BYTES_MAX } from "./limits.ts";

const MAKERS = [createBoltServerOptions, createBoltClientOptions, createDubboServerOptions, createDubboClientOptions];

test("options are the defaults of limits.ts with the choices over them, frozen", () => {
  for (const create of MAKERS) {
    const options = create();
    assert.equal(options.frameBytesMax, FRAME_BYTES_MAX);
    assert.equal(options.streamsMax, STREAMS_MAX);
    assert.equal(options.unconsumedBytesMax, UNCONSUMED_BYTES_MAX);
    assert.ok(Object.isFrozen(options));
    const counts = createRpcCounts();
    const chosen = create({ frameBytesMax: 100, streamsMax: 1, unconsumedBytesMax: 0, counts });
    assert.deepEqual([chosen.frameBytesMax, chosen.streamsMax, chosen.unconsumedBytesMax], [100, 1, 0]);
    assert.equal(chosen.counts, counts);
  }
});

test("options outside their range are refused", () => {
  for (const create of MAKERS) {
    for (const wrong of [
      { frameBytesMax: 15 },
      { frameBytesMax: 0x8000_0000 },
      { streamsMax: 0 },
      { streamsMax: 1.5 },
      { unconsumedBytesMax: -1 },
    ]) {
      assert.throws(
        () => create(wrong),
        (error) => isWeftError(error, "KERNEL_INVALID_ARGUMENT"),
      );
    }
  }
});
