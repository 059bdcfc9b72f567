import type { RequestHead } from "@weft/contract";
import type { OutputBuffer } from "@weft/kernel";
import { isSameOnWire } from "../rpc/fields.ts";
import type { RpcCounts } from "../rpc/counts.ts";
import { changeAttachments, encodeText } from "./attachments.ts";
import {
  type DubboFrame,
  HEADER_BYTES,
  highHalf,
  lowHalf,
  SERIALIZATION_HESSIAN2,
  SERIALIZATION_MASK,
  writeHeader,
} from "./frame.ts";
import { dubboStatusOf } from "./status.ts";

/** Writes a frame whose body is `bytes[start, end)`. */
export function writeFrame(
  output: OutputBuffer,
  flags: number,
  status: number,
  idHigh: number,
  idLow: number,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  const at = output.reserve(HEADER_BYTES);
  output.position = writeHeader(output.bytes, at, flags, status, idHigh, idLow, end - start);
  output.writeBytes(bytes, start, end);
}

/** Writes a request under an id of ours. Fields that were changed are changed in its attachments, where that is possible. */
export function writeRequest(
  output: OutputBuffer,
  head: RequestHead,
  frame: DubboFrame,
  id: number,
  bytes: Buffer,
  start: number,
  end: number,
  counts: RpcCounts,
): void {
  const { flags, status, attachments } = frame;
  if (!isSameOnWire(head.fields, frame.fields)) {
    // A body of another length than it came with is not the body that was looked into.
    const isKnown = attachments !== null && start + attachments.end <= end && head.contentLength === end - start;
    const changed = isKnown ? changeAttachments(bytes, start, attachments, head.fields) : null;
    if (changed !== null && attachments !== null) {
      const mapStart = start + attachments.start;
      const mapEnd = start + attachments.end;
      const bodyBytes = mapStart - start + changed.length + end - mapEnd;
      const at = output.reserve(HEADER_BYTES);
      output.position = writeHeader(output.bytes, at, flags, status, highHalf(id), lowHalf(id), bodyBytes);
      output.writeBytes(bytes, start, mapStart);
      output.writeLatin1(changed);
      output.writeBytes(bytes, mapEnd, end);
      return;
    }
    counts.faults.unapplied++;
  }
  writeFrame(output, flags, status, highHalf(id), lowHalf(id), bytes, start, end);
}

/**
 * Writes a response of ours in the serialization of the request that it answers. What went wrong is its message, where
 * that is hessian2; in other serializations it has no body, which Java peers take for an error without a message.
 */
export function writeErrorResponse(
  output: OutputBuffer,
  requestFlags: number,
  idHigh: number,
  idLow: number,
  httpStatus: number,
  code: string,
): void {
  const flags = requestFlags & SERIALIZATION_MASK;
  const words = code === "" ? "Cannot serve call" : `[${code}] Cannot serve call`;
  const text = flags === SERIALIZATION_HESSIAN2 ? (encodeText(words) ?? "") : "";
  const at = output.reserve(HEADER_BYTES);
  output.position = writeHeader(output.bytes, at, flags, dubboStatusOf(httpStatus), idHigh, idLow, text.length);
  output.writeLatin1(text);
}
