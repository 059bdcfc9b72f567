import type { OutputBuffer } from "@weft/kernel";
import type { BoltHeader } from "./decode.ts";
import { type FrameFacts, writeHeartbeatFrame } from "./encode.ts";
import { CODEC_HESSIAN2, COMMAND_HEARTBEAT, PROTOCOL_V1, TYPE_REQUEST, TYPE_RESPONSE } from "./frame.ts";
import { STATUS_SUCCESS } from "./status.ts";

/** What a heartbeat says about how long its sender waits; no peer acts on it. */
const HEARTBEAT_TIMEOUT_MS = 3000;

/**
 * Asks for a sign of life in the protocol version that `words` speak, without a checksum, as Java peers do it: so the
 * peer need not know more than it has shown. Null: v1, which all peers speak.
 */
export function writeHeartbeat(output: OutputBuffer, words: FrameFacts | null, id: number): void {
  const facts: FrameFacts = {
    protocolCode: words?.protocolCode ?? PROTOCOL_V1,
    version: words?.version ?? 0,
    commandVersion: words?.commandVersion ?? 1,
    codec: words?.codec ?? CODEC_HESSIAN2,
    switches: 0,
  };
  writeHeartbeatFrame(output, facts, TYPE_REQUEST, COMMAND_HEARTBEAT, HEARTBEAT_TIMEOUT_MS, id);
}

/** Answers a heartbeat in its own words: the same version, serialization and switch, so with a checksum if it has one. */
export function writeHeartbeatAck(output: OutputBuffer, heartbeat: BoltHeader): void {
  writeHeartbeatFrame(output, heartbeat, TYPE_RESPONSE, COMMAND_HEARTBEAT, STATUS_SUCCESS, heartbeat.id);
}
