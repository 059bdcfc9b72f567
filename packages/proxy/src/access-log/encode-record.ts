import type { AccessRecord } from "./access-record.ts";
import { maskQuery } from "./mask-query.ts";
import { ACCESS_LOG_TEXT_CHARS_MAX } from "./limits.ts";

/**
 * One record as a JSON line, line feed included. Every line has the same keys; `grpc_status` is null for requests that
 * are not gRPC. `kind` tells records from the log's own lines, which go to the same output where the target is stdout.
 */
export function encodeRecord(record: AccessRecord): string {
  return (
    `{"kind":"access","time":"${timeText(record.startMs)}","duration_ms":${numberText(record.durationMs)}` +
    `,"method":${quote(record.method)},"authority":${quote(record.authority)}` +
    `,"path":${quote(maskQuery(cut(record.path)))},"protocol":${quote(record.protocol)}` +
    `,"status":${numberText(record.status)}` +
    `,"grpc_status":${record.grpcStatus < 0 ? "null" : numberText(record.grpcStatus)}` +
    `,"received_bytes":${numberText(record.receivedBytes)},"sent_bytes":${numberText(record.sentBytes)}` +
    `,"listener":${quote(record.listener)},"route":${quote(record.route)},"rule":${quote(record.rule)},"cluster":${quote(record.cluster)},"host":${quote(record.host)}` +
    `,"attempts":${numberText(record.attempts)},"error":${quote(record.error)},"client":${quote(record.client)}` +
    `,"trace_id":${quote(record.traceId)},"user_agent":${quote(record.userAgent)}` +
    `,"request_id":${quote(record.requestId)}}\n`
  );
}

/** The second that was formatted last: records of a batch share it. */
let secondMs = Number.NaN;
let secondText = "";

/** RFC 3339 in UTC; a time that is none is shown as the start of 1970. */
function timeText(wallMs: number): string {
  if (!(Math.abs(wallMs) <= DATE_MS_MAX)) return "1970-01-01T00:00:00.000Z";
  const ms = Math.floor(wallMs) - Math.floor(wallMs / 1000) * 1000;
  const startMs = Math.floor(wallMs) - ms;
  if (startMs !== secondMs) {
    secondMs = startMs;
    secondText = new Date(startMs).toISOString().slice(0, -"000Z".length);
  }
  return `${secondText}${String(ms).padStart(3, "0")}Z`;
}

/** Times beyond this have no date in ECMAScript (21.4.1.1); a second less, as times are rounded down to one. */
const DATE_MS_MAX = 8_639_999_999_999_000;

/** JSON has no infinities and no NaN. Durations need no more than microseconds. */
function numberText(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return Number.isFinite(value) ? String(Math.round(value * 1000) / 1000) : "null";
}

/**
 * What JSON wants escaped, and what a terminal, a browser or a line reader may take for a command: C1 controls, DEL and
 * the Unicode line ends. Lone surrogates are no text.
 */
const SPECIAL = /["\\\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]/;
const SPECIAL_BEYOND_JSON = /[\u007f-\u009f\u2028\u2029]/g;

function quote(text: string): string {
  const short = cut(text);
  if (!SPECIAL.test(short)) return `"${short}"`;
  return JSON.stringify(short).replaceAll(SPECIAL_BEYOND_JSON, escapeCharacter);
}

function cut(text: string): string {
  return text.length <= ACCESS_LOG_TEXT_CHARS_MAX ? text : `${text.slice(0, ACCESS_LOG_TEXT_CHARS_MAX - 1)}…`;
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
