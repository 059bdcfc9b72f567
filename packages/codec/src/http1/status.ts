import type { ResetReason } from "@weft/contract";
import type { Http1ErrorCode } from "./errors.ts";

const REASON_PHRASES: readonly (readonly [status: number, phrase: string])[] = [
  [100, "Continue"],
  [101, "Switching Protocols"],
  [102, "Processing"],
  [103, "Early Hints"],
  [200, "OK"],
  [201, "Created"],
  [202, "Accepted"],
  [203, "Non-Authoritative Information"],
  [204, "No Content"],
  [205, "Reset Content"],
  [206, "Partial Content"],
  [207, "Multi-Status"],
  [208, "Already Reported"],
  [226, "IM Used"],
  [300, "Multiple Choices"],
  [301, "Moved Permanently"],
  [302, "Found"],
  [303, "See Other"],
  [304, "Not Modified"],
  [305, "Use Proxy"],
  [307, "Temporary Redirect"],
  [308, "Permanent Redirect"],
  [400, "Bad Request"],
  [401, "Unauthorized"],
  [402, "Payment Required"],
  [403, "Forbidden"],
  [404, "Not Found"],
  [405, "Method Not Allowed"],
  [406, "Not Acceptable"],
  [407, "Proxy Authentication Required"],
  [408, "Request Timeout"],
  [409, "Conflict"],
  [410, "Gone"],
  [411, "Length Required"],
  [412, "Precondition Failed"],
  [413, "Content Too Large"],
  [414, "URI Too Long"],
  [415, "Unsupported Media Type"],
  [416, "Range Not Satisfiable"],
  [417, "Expectation Failed"],
  [421, "Misdirected Request"],
  [422, "Unprocessable Content"],
  [423, "Locked"],
  [424, "Failed Dependency"],
  [425, "Too Early"],
  [426, "Upgrade Required"],
  [428, "Precondition Required"],
  [429, "Too Many Requests"],
  [431, "Request Header Fields Too Large"],
  [451, "Unavailable For Legal Reasons"],
  [500, "Internal Server Error"],
  [501, "Not Implemented"],
  [502, "Bad Gateway"],
  [503, "Service Unavailable"],
  [504, "Gateway Timeout"],
  [505, "HTTP Version Not Supported"],
  [506, "Variant Also Negotiates"],
  [507, "Insufficient Storage"],
  [508, "Loop Detected"],
  [511, "Network Authentication Required"],
];

/** "HTTP/1.1 200 OK\r\n" and its like, by status; statuses without a registered phrase have none. */
const STATUS_LINES: readonly string[] = createStatusLines();

function createStatusLines(): string[] {
  const lines: string[] = [];
  for (let status = 0; status < 600; status++) lines.push(`HTTP/1.1 ${status} \r\n`);
  for (const [status, phrase] of REASON_PHRASES) lines[status] = `HTTP/1.1 ${status} ${phrase}\r\n`;
  return lines;
}

/** The status line of an answer, CR LF included; undefined unless `status` is 100 to 599. */
export function statusLine(status: number): string | undefined {
  return status >= 100 ? STATUS_LINES[status] : undefined;
}

/** Status that a client gets which broke the protocol in the way that `code` names. */
export function statusOfError(code: Http1ErrorCode): number {
  switch (code) {
    case "HTTP1_HEAD_TIMEOUT":
      return 408;
    case "HTTP1_BODY_TOO_LARGE":
      return 413;
    case "HTTP1_TARGET_TOO_LONG":
      return 414;
    case "HTTP1_UNSUPPORTED_EXPECTATION":
      return 417;
    case "HTTP1_HEAD_TOO_LARGE":
    case "HTTP1_TOO_MANY_FIELDS":
    case "HTTP1_TRAILERS_TOO_LARGE":
      return 431;
    case "HTTP1_UNSUPPORTED_TRANSFER_ENCODING":
      return 501;
    case "HTTP1_UNSUPPORTED_VERSION":
      return 505;
    case "HTTP1_INVALID_STATUS_LINE":
    case "HTTP1_UPGRADE_MISMATCH":
    case "HTTP1_TOO_MANY_INFORMATIONAL":
    case "HTTP1_UNEXPECTED_BYTES":
    case "HTTP1_UNENCODABLE_HEAD":
    case "HTTP1_LENGTH_MISMATCH":
    case "HTTP1_STREAM_RESET":
      return 502;
    default:
      return 400;
  }
}

/** Status of the answer when a request is given up before its answer began; 0: none, the client has gone. */
export function statusOfReset(reason: ResetReason): number {
  switch (reason) {
    case "cancelled":
      return 0;
    case "too-large":
      return 413;
    case "protocol":
    case "connection":
      return 502;
    case "refused":
    case "connect":
    case "overloaded":
      return 503;
    case "timeout":
      return 504;
    case "internal":
      return 500;
  }
}

/** False for what goes wrong on our side of the connection, with answers that we were given. */
export function isFaultOfPeer(code: Http1ErrorCode): boolean {
  return code !== "HTTP1_UNENCODABLE_HEAD" && code !== "HTTP1_LENGTH_MISMATCH" && code !== "HTTP1_STREAM_RESET";
}

/** What a receiver is told when the peer broke the protocol in the way that `code` names. */
export function resetReasonOfError(code: Http1ErrorCode): ResetReason {
  switch (code) {
    case "HTTP1_BODY_TOO_LARGE":
    case "HTTP1_HEAD_TOO_LARGE":
    case "HTTP1_TOO_MANY_FIELDS":
    case "HTTP1_TRAILERS_TOO_LARGE":
      return "too-large";
    case "HTTP1_TRUNCATED":
      return "connection";
    case "HTTP1_UNENCODABLE_HEAD":
    case "HTTP1_LENGTH_MISMATCH":
      return "internal";
    default:
      return "protocol";
  }
}
