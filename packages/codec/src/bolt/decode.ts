import { crc32 } from "node:zlib";
import { type Fields, fieldValue, RequestHead, ResponseHead, RPC_FIELDS } from "@weft/contract";
import type { BoltErrorCode } from "./errors.ts";
import {
  BoltFrame,
  COMMAND_GOAWAY,
  COMMAND_HEARTBEAT,
  COMMAND_REQUEST,
  COMMAND_RESPONSE,
  CRC_BYTES,
  fixedHeaderBytes,
  hasChecksum,
  PROTOCOL_V1,
  PROTOCOL_V2,
  readInt32,
  readUint16,
  readUint32,
  TYPE_ONE_WAY,
  TYPE_RESPONSE,
} from "./frame.ts";
import { decodeHeaderMap } from "./header-map.ts";
import { httpStatusOf } from "./status.ts";

/** The fixed header of one frame, as numbers. One per session, written over by each frame. */
export class BoltHeader {
  protocolCode: number = 0;
  version: number = 0;
  type: number = 0;
  command: number = 0;
  commandVersion: number = 0;
  id: number = 0;
  codec: number = 0;
  switches: number = 0;
  detail: number = 0;
  classBytes: number = 0;
  mapBytes: number = 0;
  contentBytes: number = 0;
  /** Bytes of the fixed header itself. */
  fixedBytes: number = 0;

  /**
   * Reads the fixed header at `at`. Returns the bytes of the whole frame, 0 while too little of it is here, or the code of
   * what is wrong; that is told as early as it can be.
   */
  read(bytes: Buffer, at: number, end: number): number | BoltErrorCode {
    const protocolCode = bytes[at] ?? 0;
    if (protocolCode !== PROTOCOL_V1 && protocolCode !== PROTOCOL_V2) return "BOLT_UNKNOWN_PROTOCOL";
    // Where the fields of both versions begin to be the same.
    const from = protocolCode === PROTOCOL_V1 ? at + 1 : at + 2;
    if (end < from + 3) return 0;
    const version = protocolCode === PROTOCOL_V1 ? 0 : (bytes[at + 1] ?? 0);
    if (version > 2 || (version === 0 && protocolCode === PROTOCOL_V2)) return "BOLT_UNKNOWN_PROTOCOL";
    const type = bytes[from] ?? 0;
    if (type > TYPE_ONE_WAY) return "BOLT_UNKNOWN_TYPE";
    const command = readUint16(bytes, from + 1);
    if (!isCommandOf(type, command)) return "BOLT_UNKNOWN_COMMAND";
    const fixedBytes = fixedHeaderBytes(protocolCode, type);
    if (end - at < fixedBytes) return 0;
    this.protocolCode = protocolCode;
    this.version = version;
    this.type = type;
    this.command = command;
    this.commandVersion = bytes[from + 3] ?? 0;
    this.id = readUint32(bytes, from + 4);
    this.codec = bytes[from + 8] ?? 0;
    this.switches = protocolCode === PROTOCOL_V1 ? 0 : (bytes[from + 9] ?? 0);
    const lengths = at + fixedBytes - 8;
    this.detail = type === TYPE_RESPONSE ? readUint16(bytes, lengths - 2) : readInt32(bytes, lengths - 4);
    this.classBytes = readUint16(bytes, lengths);
    this.mapBytes = readUint16(bytes, lengths + 2);
    this.contentBytes = readInt32(bytes, lengths + 4);
    this.fixedBytes = fixedBytes;
    if (this.contentBytes < 0) return "BOLT_INVALID_LENGTH";
    return this.headBytes + this.contentBytes + (this.hasChecksum ? CRC_BYTES : 0);
  }

  /** Bytes before the content. */
  get headBytes(): number {
    return this.fixedBytes + this.classBytes + this.mapBytes;
  }

  get hasChecksum(): boolean {
    return hasChecksum(this.version, this.switches);
  }
}

function isCommandOf(type: number, command: number): boolean {
  if (command === COMMAND_HEARTBEAT) return true;
  if (type === TYPE_RESPONSE) return command === COMMAND_RESPONSE;
  return command === COMMAND_REQUEST || command === COMMAND_GOAWAY;
}

/** True when the checksum at the end of the frame `bytes[at, end)` fits the bytes before it. */
export function isChecksumRight(bytes: Buffer, at: number, end: number): boolean {
  return crc32(bytes.subarray(at, end - CRC_BYTES)) === readUint32(bytes, end - CRC_BYTES);
}

/** What class name and header map of a request say: the same for each frame that has the same. */
export interface BoltTarget {
  readonly authority: string;
  readonly path: string;
  readonly fields: Fields;
}

/** Decodes what precedes a request's content: `head` is class name and header map, one character per byte. */
export function decodeTarget(head: string, classBytes: number): BoltTarget | BoltErrorCode {
  const map = decodeHeaderMap(head, classBytes);
  if (typeof map === "string") return map;
  const service = fieldValue(map, "service") ?? fieldValue(map, "sofa_head_target_service") ?? "";
  const method = fieldValue(map, "sofa_head_method_name") ?? "";
  // interface, version and unique id (sofa-rpc: ConfigUniqueNameGenerator); without SOFA RPC the class says what is called.
  const parts = service.split(":");
  const authority = parts[0] === undefined || parts[0] === "" ? head.substring(0, classBytes) : parts[0];
  const fields = map.slice();
  addFact(fields, RPC_FIELDS.version, parts[1]);
  addFact(fields, RPC_FIELDS.group, parts[2]);
  addFact(fields, RPC_FIELDS.application, fieldValue(map, "sofa_head_target_app"));
  addFact(fields, RPC_FIELDS.caller, fieldValue(map, "rpc_trace_context.sofacallerapp"));
  return { authority, path: method === "" ? `/${authority}` : `/${authority}/${method}`, fields };
}

function addFact(fields: string[], name: string, value: string | undefined): void {
  if (value !== undefined && value !== "") fields.push(name, value);
}

/** The frame whose fixed header is `header`. */
function createFrame(header: BoltHeader, head: string, fields: Fields): BoltFrame {
  const { protocolCode, version, type, commandVersion, codec, switches, detail, classBytes } = header;
  return new BoltFrame(protocolCode, version, type, commandVersion, codec, switches, detail, classBytes, head, fields);
}

export function createRequestHead(header: BoltHeader, head: string, target: BoltTarget): RequestHead {
  const frame = createFrame(header, head, target.fields);
  const { authority, path, fields } = target;
  return new RequestHead("POST", "bolt", authority, path, fields, header.contentBytes, "", false, frame);
}

export function createResponseHead(header: BoltHeader, head: string, fields: Fields): ResponseHead {
  const frame = createFrame(header, head, fields);
  return new ResponseHead(httpStatusOf(header.detail), fields, header.contentBytes, frame);
}

/** True when a frame with this fixed header is `frame` again, but for its id. */
export function isSameFrame(header: BoltHeader, frame: BoltFrame): boolean {
  return (
    header.protocolCode === frame.protocolCode &&
    header.version === frame.version &&
    header.type === frame.type &&
    header.commandVersion === frame.commandVersion &&
    header.codec === frame.codec &&
    header.switches === frame.switches &&
    header.detail === frame.detail &&
    header.classBytes === frame.classBytes
  );
}

/**
 * True when a connection whose first bytes are `bytes[start, end)` speaks Bolt: no HTTP method, TLS record or other RPC
 * protocol begins so. "more" while that cannot be told.
 */
export function looksLikeBolt(bytes: Buffer, start: number, end: number): boolean | "more" {
  if (start === end) return "more";
  const first = bytes[start];
  if (first !== PROTOCOL_V1 && first !== PROTOCOL_V2) return false;
  let at = start + 1;
  if (first === PROTOCOL_V2) {
    if (at === end) return "more";
    const version = bytes[at++];
    if (version !== 1 && version !== 2) return false;
  }
  if (at === end) return "more";
  const type = bytes[at++] ?? 0;
  if (type === TYPE_RESPONSE || type > TYPE_ONE_WAY) return false;
  if (at === end) return "more";
  if (bytes[at++] !== 0) return false;
  if (at === end) return "more";
  return bytes[at] === COMMAND_HEARTBEAT || bytes[at] === COMMAND_REQUEST;
}
