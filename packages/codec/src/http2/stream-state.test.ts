import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  canReceive,
  canSend,
  EVENT_BEGIN,
  EVENT_RECEIVE_END,
  EVENT_RESET,
  EVENT_SEND_END,
  STREAM_CLOSED,
  STREAM_HALF_CLOSED_LOCAL,
  STREAM_HALF_CLOSED_REMOTE,
  STREAM_IDLE,
  STREAM_OPEN,
  transition,
} from "./stream-state.ts";
import { StreamTable } from "./stream-table.ts";

const STATES = [STREAM_IDLE, STREAM_OPEN, STREAM_HALF_CLOSED_LOCAL, STREAM_HALF_CLOSED_REMOTE, STREAM_CLOSED] as const;
const EVENTS = [EVENT_BEGIN, EVENT_SEND_END, EVENT_RECEIVE_END, EVENT_RESET] as const;

test("transition() allows exactly what RFC 9113 section 5.1 draws", () => {
  const allowed = [
    [STREAM_IDLE, EVENT_BEGIN, STREAM_OPEN],
    [STREAM_OPEN, EVENT_SEND_END, STREAM_HALF_CLOSED_LOCAL],
    [STREAM_OPEN, EVENT_RECEIVE_END, STREAM_HALF_CLOSED_REMOTE],
    [STREAM_OPEN, EVENT_RESET, STREAM_CLOSED],
    [STREAM_HALF_CLOSED_LOCAL, EVENT_RECEIVE_END, STREAM_CLOSED],
    [STREAM_HALF_CLOSED_LOCAL, EVENT_RESET, STREAM_CLOSED],
    [STREAM_HALF_CLOSED_REMOTE, EVENT_SEND_END, STREAM_CLOSED],
    [STREAM_HALF_CLOSED_REMOTE, EVENT_RESET, STREAM_CLOSED],
  ];
  for (const state of STATES) {
    for (const event of EVENTS) {
      const row = allowed.find(([from, on]) => from === state && on === event);
      if (row === undefined) assert.throws(() => transition(state, event), { code: "KERNEL_ASSERTION_FAILED" });
      else assert.equal(transition(state, event), row[2]);
    }
  }
});

test("canSend() and canReceive() say which side is open", () => {
  assert.deepEqual(STATES.map(canSend), [false, true, false, true, false]);
  assert.deepEqual(STATES.map(canReceive), [false, true, true, false, false]);
});

test("StreamTable agrees with a Map for any sequence of additions and removals", () => {
  const operation = fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 60 }));
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 300 }), fc.integer({ min: 0, max: 3 }), (operations, spread) => {
      const table = new StreamTable<{ readonly id: number }>();
      const model = new Map<number, { readonly id: number }>();
      for (const [isAdded, number] of operations) {
        // Numbers that are far apart and share their low bits fall on the same slots.
        const id = 1 + 2 * (number << (spread * 4));
        if (!isAdded) assert.equal(table.delete(id), model.delete(id));
        else if (!model.has(id)) {
          const stream = { id };
          model.set(id, stream);
          table.add(stream);
        }
        assert.equal(table.length, model.size);
        for (const [known, stream] of model) assert.equal(table.get(known), stream);
        assert.equal(table.get(id), model.get(id));
      }
      assert.deepEqual(
        table.list(),
        [...model.values()].sort((left, right) => left.id - right.id),
      );
    }),
  );
});
