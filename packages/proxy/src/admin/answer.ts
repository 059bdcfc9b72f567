import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { AdminErrorCode } from "./errors.ts";

/** An error as the admin API answers it. */
export interface AdminFailure {
  readonly status: number;
  readonly code: AdminErrorCode;
  readonly message: string;
  /** Further members of the error object, such as the endpoints there are. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** No answer may be kept, guessed at, framed, or read by another origin's page. */
const SAFE_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
};

/** Sends the head of an answer; the body follows. */
export function sendHead(response: ServerResponse, status: number, headers: Readonly<Record<string, string>>): void {
  response.writeHead(status, { ...SAFE_HEADERS, ...headers });
}

/** Answers with one piece of text. */
export function sendText(response: ServerResponse, status: number, contentType: string, text: string): void {
  const bytes = Buffer.from(text, "utf8");
  sendHead(response, status, { "content-type": contentType, "content-length": String(bytes.length) });
  response.end(bytes);
}

/** Answers with JSON, indented for people, ending in a line feed for terminals. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  sendText(response, status, "application/json; charset=utf-8", `${JSON.stringify(value, null, 2)}\n`);
}

/** Answers with `{"error": {"code", "message", ...}}`. */
export function sendFailure(response: ServerResponse, failure: AdminFailure): void {
  for (const [name, value] of Object.entries(failure.headers ?? {})) response.setHeader(name, value);
  const { status, code, message, details } = failure;
  sendJson(response, status, { error: { code, message: `[${code}] ${message}`, ...details } });
}

/** Answers with a page whose only style and script are the two given; nothing else may load or run in it. */
export function sendPage(response: ServerResponse, html: string, style: string, script: string): void {
  const policy =
    `default-src 'none'; style-src '${sourceHash(style)}'; script-src '${sourceHash(script)}'; ` +
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  response.setHeader("content-security-policy", policy);
  sendText(response, 200, "text/html; charset=utf-8", html);
}

function sourceHash(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
