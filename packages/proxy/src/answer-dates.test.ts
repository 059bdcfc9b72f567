import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldValue, ResponseHead } from "@weft/contract";
import { FakeClock } from "@weft/kernel";
import { AnswerDates } from "./answer-dates.ts";

const START_MS = Date.UTC(2026, 10, 22, 15, 39, 24);

test("dated() adds the Date of the second, and gives the same head within it", () => {
  const clock = new FakeClock(0, START_MS);
  const dates = new AnswerDates(clock);
  const head = new ResponseHead(503, ["x-weft-error", "A"], 7);
  const first = dates.dated(head);
  assert.deepEqual(first.fields, ["x-weft-error", "A", "date", "Sun, 22 Nov 2026 15:39:24 GMT"]);
  assert.deepEqual([first.status, first.contentLength, first.hasDate], [503, 7, true]);
  clock.advance(900);
  assert.equal(dates.dated(head), first, "encoders find again what they kept");
  clock.advance(100);
  const second = dates.dated(head);
  assert.equal(fieldValue(second.fields, "date"), "Sun, 22 Nov 2026 15:39:25 GMT");
  assert.equal(dates.dated(second), second);
});

test("dated() leaves a host's own Date, and what is no final answer", () => {
  const dates = new AnswerDates(new FakeClock(0, START_MS));
  for (const head of [
    new ResponseHead(200, ["date", "Thu, 01 Jan 1970 00:00:00 GMT"], 0),
    new ResponseHead(101, [], -1),
    new ResponseHead(103, ["link", "</a>"], -1),
  ]) {
    assert.equal(dates.dated(head), head);
  }
});
