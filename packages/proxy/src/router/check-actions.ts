import type { Cors, DirectResponse, PathRewrite, Redirect, Retry, RouteRule } from "@weft/contract";
import type { Check } from "./check.ts";
import { checkFieldValue } from "./check-fields.ts";
import {
  CORS_ENTRIES_MAX,
  CORS_WILDCARDS_MAX,
  DIRECT_RESPONSE_BYTES_MAX,
  RETRIES_MAX,
  RULE_TEXT_BYTES_MAX,
  RULE_TIME_MS_MAX,
} from "./limits.ts";
import { RETRY_BITS } from "./retry.ts";
import { configPath } from "./rule.ts";

const ORIGIN = /^(?:\*|[a-z][a-z0-9+.-]*:\/\/(?:[a-z0-9._*-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?)$/i;

export function checkPathRewrite(field: string, rewrite: PathRewrite | null, rule: RouteRule, check: Check): void {
  if (rewrite === null) return;
  check.oneOf(`${field}.type`, rewrite.type, ["full", "prefix"]);
  if (rewrite.type === "prefix" && rule.match.path !== null && rule.match.path.type !== "prefix") {
    check.fail(`${field}.type`, rewrite.type, `"full", as the rule's path match is of type "${rule.match.path.type}"`);
  }
  check.text(`${field}.value`, rewrite.value, 0, RULE_TEXT_BYTES_MAX);
  const isPath = rewrite.value === "" || (rewrite.value.startsWith("/") && configPath(rewrite.value) !== undefined);
  if (!isPath || rewrite.value.includes("?")) {
    check.fail(`${field}.value`, rewrite.value, 'a path that begins with "/" and has no query, or nothing');
  }
}

export function checkRedirect(redirect: Redirect, rule: RouteRule, check: Check): void {
  check.oneOf("redirect.scheme", redirect.scheme, ["", "http", "https"]);
  checkPathRewrite("redirect.path", redirect.path, rule, check);
  check.integer("redirect.port", redirect.port, 0, 65_535);
  check.oneOf("redirect.status", redirect.status, [301, 302, 303, 307, 308]);
}

export function checkDirectResponse(response: DirectResponse, check: Check): void {
  check.integer("directResponse.status", response.status, 200, 599);
  checkFieldValue("directResponse.contentType", response.contentType, check);
  const byteCount = Buffer.byteLength(response.body);
  if (byteCount > DIRECT_RESPONSE_BYTES_MAX) {
    check.fail("directResponse.body", byteCount, `at most ${DIRECT_RESPONSE_BYTES_MAX} bytes`);
  }
  if (byteCount > 0 && (response.status === 204 || response.status === 304)) {
    check.fail("directResponse.body", byteCount, `no body with status ${response.status}`);
  }
}

export function checkCors(cors: Cors, check: Check): void {
  for (const [field, list] of Object.entries({
    "cors.allowOrigins": cors.allowOrigins,
    "cors.allowMethods": cors.allowMethods,
    "cors.allowHeaders": cors.allowHeaders,
    "cors.exposeHeaders": cors.exposeHeaders,
  })) {
    check.count(field, list, 0, CORS_ENTRIES_MAX);
    if (field === "cors.allowOrigins") continue;
    for (const entry of list) check.token(field, entry);
  }
  for (const origin of cors.allowOrigins) {
    if (origin.split("*").length - 1 > CORS_WILDCARDS_MAX) {
      check.fail("cors.allowOrigins", origin, `at most ${CORS_WILDCARDS_MAX} wildcards`);
    }
    if (!ORIGIN.test(origin) || origin.length > 253) {
      check.fail("cors.allowOrigins", origin, 'an origin (scheme://host:port, the host with "*" where wanted) or "*"');
    }
  }
  check.integer("cors.maxAgeSeconds", cors.maxAgeSeconds, 0, 86_400);
}

export function checkRetry(retry: Retry, check: Check): void {
  check.integer("retry.retriesMax", retry.retriesMax, 0, RETRIES_MAX);
  for (const condition of retry.on) {
    if (!Object.hasOwn(RETRY_BITS, condition)) {
      check.fail("retry.on", condition, `one of ${Object.keys(RETRY_BITS).join(", ")}`);
    }
  }
  for (const status of retry.statuses) check.integer("retry.statuses", status, 200, 599);
  for (const status of retry.grpcStatuses) check.integer("retry.grpcStatuses", status, 1, 16);
  check.integer("retry.backoffBaseMs", retry.backoffBaseMs, 0, RULE_TIME_MS_MAX);
  check.integer("retry.backoffMaxMs", retry.backoffMaxMs, retry.backoffBaseMs, RULE_TIME_MS_MAX);
  check.integer("retry.perTryTimeoutMs", retry.perTryTimeoutMs, 0, RULE_TIME_MS_MAX);
}
