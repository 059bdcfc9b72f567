import type { RequestHead, ResponseHead } from "@weft/contract";
import type { OutputBuffer } from "@weft/kernel";
import { isSameOnWire } from "../rpc/fields.ts";
import { type FrameFacts, writeFrame } from "./encode.ts";
import { type BoltFrame, TYPE_RESPONSE } from "./frame.ts";
import { changeHeaderMap, encodePair } from "./header-map.ts";
import { SECTION_BYTES_MAX } from "./limits.ts";
import { boltStatusOf, httpStatusOf, knownStatusOf, STATUS_SUCCESS } from "./status.ts";

const EMPTY: Buffer = Buffer.alloc(0);

/**
 * Class name and header map of a frame that goes out: as they came, or with the header map changed. Null when the
 * changed map is too long to be written.
 */
export function headTextOf(head: RequestHead | ResponseHead, frame: BoltFrame): string | null {
  if (isSameOnWire(head.fields, frame.fields)) return frame.head;
  const map = changeHeaderMap(frame.head, frame.classBytes, head.fields);
  return map.length > SECTION_BYTES_MAX ? null : frame.head.substring(0, frame.classBytes) + map;
}

/** The status that a response goes out with: its own, unless a filter has given it another. */
export function statusOfAnswer(head: ResponseHead, frame: BoltFrame): number {
  if (head.status === httpStatusOf(frame.detail)) return knownStatusOf(frame.detail);
  return head.status === 200 ? STATUS_SUCCESS : boltStatusOf(head.status);
}

/**
 * Writes a response of ours in the words of the request that it answers. It has no class and no content, which peers take
 * for an error without details; what went wrong is in the header x-weft-error.
 */
export function writeErrorResponse(
  output: OutputBuffer,
  request: FrameFacts,
  id: number,
  httpStatus: number,
  code: string,
): void {
  const map = code === "" ? "" : encodePair("x-weft-error", code);
  writeFrame(output, request, TYPE_RESPONSE, boltStatusOf(httpStatus), id, 0, map, EMPTY, 0, 0);
}
