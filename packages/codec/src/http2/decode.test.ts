import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameReader, type FrameSink } from "./decode.ts";
import { PREFACE } from "./frame.ts";
import { frame, PADDED } from "./peer.test.ts";

class Log implements FrameSink {
  readonly events: string[] = [];
  /** The buffer of each frame's payload: the read buffer itself, or a copy. */
  readonly buffers: Buffer[] = [];

  onFrame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    this.buffers.push(bytes);
    this.events.push(`${type} ${flags} ${streamId} ${bytes.toString("latin1", start, end)}`);
  }

  onDataBegin(flags: number, streamId: number, byteCount: number, paddingBytes: number): void {
    this.events.push(`data ${flags} ${streamId} ${byteCount} ${paddingBytes}`);
  }

  onDataPiece(bytes: Buffer, start: number, end: number, isLast: boolean): void {
    this.buffers.push(bytes);
    this.events.push(`piece ${bytes.toString("latin1", start, end)}${isLast ? "." : ""}`);
  }

  onUnreadable(code: string): void {
    this.events.push(code);
  }
}

const SETTINGS = frame("SETTINGS", 0, 0);

test("FrameReader reads whole frames in place and copies those that straddle reads once", () => {
  const log = new Log();
  const reader = new FrameReader(log, 16_384, false);
  const first = Buffer.concat([
    SETTINGS,
    frame("PING", 0, 0, "12345678"),
    frame("PING", 0, 0, "abcdefgh").subarray(0, 12),
  ]);
  reader.receive(first, 0, first.length);
  assert.ok(reader.isMidFrame);
  const second = frame("PING", 0, 0, "abcdefgh").subarray(12);
  reader.receive(second, 0, second.length);
  assert.deepEqual(log.events, ["4 0 0 ", "6 0 0 12345678", "6 0 0 abcdefgh"]);
  assert.equal(log.buffers[1], first);
  assert.notEqual(log.buffers[2], first);
  assert.notEqual(log.buffers[2], second);
  assert.ok(!reader.isMidFrame);
});

test("FrameReader hands DATA on as it comes, without gathering it", () => {
  const log = new Log();
  const reader = new FrameReader(log, 16_384, false);
  reader.receive(SETTINGS, 0, SETTINGS.length);
  const bytes = frame("DATA", PADDED, 1, "\u0003hello world...");
  reader.receive(bytes, 0, 15);
  assert.ok(!reader.isMidFrame, "content under way holds nothing up");
  reader.receive(bytes, 15, 18);
  reader.receive(bytes, 18, bytes.length - 1);
  reader.receive(bytes, bytes.length - 1, bytes.length);
  reader.receive(frame("DATA", 1, 1), 0, 9);
  assert.deepEqual(log.events.slice(1), [
    "data 8 1 15 4",
    "piece hello",
    "piece  wo",
    "piece rld.",
    "data 1 1 0 0",
    "piece .",
  ]);
  assert.ok(log.buffers.slice(1, 4).every((buffer) => buffer === bytes));
});

test("FrameReader stops where it is told to, within a read", () => {
  const log = new Log();
  const reader = new FrameReader(log, 16_384, true);
  log.onFrame = () => {
    log.events.push("frame");
    reader.stop();
  };
  const bytes = Buffer.concat([PREFACE, SETTINGS, SETTINGS]);
  reader.receive(bytes, 0, bytes.length);
  reader.receive(bytes, 0, bytes.length);
  assert.deepEqual(log.events, ["frame"]);
});

test("FrameReader refuses frames above its size as soon as their header is there", () => {
  const log = new Log();
  const reader = new FrameReader(log, 20_000, false);
  reader.receive(SETTINGS, 0, SETTINGS.length);
  const fits = frame("HEADERS", 4, 1, Buffer.alloc(20_000));
  reader.receive(fits, 0, fits.length);
  assert.equal(log.events.length, 2);
  const large = frame("HEADERS", 4, 1, Buffer.alloc(20_001));
  reader.receive(large, 0, 9);
  assert.equal(log.events.at(-1), "HTTP2_FRAME_SIZE_ERROR");
});
