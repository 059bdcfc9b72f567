import type { RequestHead } from "@weft/contract";
import { sliceLatin1 } from "@weft/kernel";
import type { HeadTable } from "../http1/head-memo.ts";
import { MEMO_HEAD_BYTES_MAX } from "../rpc/limits.ts";
import { Attachments } from "./attachments.ts";
import {
  createRequestHead,
  decodeTarget,
  type DubboHeader,
  type DubboTarget,
  OPAQUE_TARGET,
  scanToAttachments,
} from "./decode.ts";
import { type AttachmentsPlace, isDubboFrame, SERIALIZATION_HESSIAN2, SERIALIZATION_MASK } from "./frame.ts";
import { HessianScanner } from "./hessian-scanner.ts";

const NO_CLASSES: readonly number[] = [];

/** What was made of a prefix and attachments, and the head that was made last with them. */
export class KnownTarget {
  readonly target: DubboTarget;
  readonly prefixBytes: number;
  last: RequestHead | null = null;

  constructor(target: DubboTarget, prefixBytes: number) {
    this.target = target;
    this.prefixBytes = prefixBytes;
  }
}

/** Used by one call at a time. */
const scanner = new HessianScanner(Buffer.alloc(0));

/**
 * Makes the head of the request whose body is `bytes[start, end)`. What is called is the prefix of the body and the
 * attachments behind the arguments: both were often seen before, and then the same head is handed out again, on which
 * routes and filters find what they noted.
 *
 *     body:  [ prefix ][ arguments ][ attachments ]         known by prefix + attachments
 */
export function readRequestHead(
  table: HeadTable<KnownTarget>,
  header: DubboHeader,
  bytes: Buffer,
  start: number,
  end: number,
): RequestHead {
  if ((header.flags & SERIALIZATION_MASK) !== SERIALIZATION_HESSIAN2) {
    return createRequestHead(header, OPAQUE_TARGET, null);
  }
  scanner.begin(bytes, start, end, NO_CLASSES);
  const prefixEnd = scanToAttachments(scanner);
  if (prefixEnd < 0) return createRequestHead(header, OPAQUE_TARGET, null);
  const mapStart = scanner.at;
  const textBytes = prefixEnd - start + end - mapStart;
  const isShared = !scanner.isLost && textBytes <= MEMO_HEAD_BYTES_MAX && table.takesPart();
  if (!isShared) return decode(header, bytes, start, end, scanner.isLost ? -1 : mapStart, null, "", 0);
  const text = sliceLatin1(bytes, start, prefixEnd) + sliceLatin1(bytes, mapStart, end);
  const known = table.get(text);
  const prefixBytes = prefixEnd - start;
  if (known === undefined) return decode(header, bytes, start, end, mapStart, table, text, prefixBytes);
  // Another body can end its prefix elsewhere within the same bytes.
  if (known.prefixBytes !== prefixBytes) return decode(header, bytes, start, end, mapStart, null, "", 0);
  return again(header, known, mapStart - start, end - start);
}

/** The head of a request with a known prefix and attachments. */
function again(header: DubboHeader, known: KnownTarget, mapStart: number, mapEnd: number): RequestHead {
  const { last } = known;
  const frame = last === null ? null : last.frame;
  if (last !== null && isDubboFrame(frame) && frame.flags === header.flags && frame.attachments?.start === mapStart) {
    if (last.contentLength === header.bodyBytes) return last;
  }
  // Plain attachments hold no objects, so no class matters to them.
  const head = createRequestHead(header, known.target, { start: mapStart, end: mapEnd, classes: NO_CLASSES });
  known.last = head;
  return head;
}

/** Decodes prefix and attachments; `mapStart` is -1 where these cannot be found. `table` remembers them, if one is given. */
function decode(
  header: DubboHeader,
  bytes: Buffer,
  start: number,
  end: number,
  mapStart: number,
  table: HeadTable<KnownTarget> | null,
  text: string,
  prefixBytes: number,
): RequestHead {
  let attachments: Attachments | null = null;
  let place: AttachmentsPlace | null = null;
  if (mapStart >= 0) {
    const classes = scanner.classes.length === 0 ? NO_CLASSES : scanner.classes.slice();
    const read = new Attachments();
    if (read.read(scanner)) {
      attachments = read;
      place = { start: mapStart - start, end: scanner.at - start, classes };
    }
  }
  const mapEnd = scanner.at;
  scanner.begin(bytes, start, end, NO_CLASSES);
  const target = decodeTarget(scanner, attachments);
  if (target === OPAQUE_TARGET) return createRequestHead(header, target, null);
  const head = createRequestHead(header, target, place);
  if (table !== null && target.isPlain && mapEnd === end) {
    const known = new KnownTarget(target, prefixBytes);
    known.last = head;
    table.set(text, known);
  }
  return head;
}
