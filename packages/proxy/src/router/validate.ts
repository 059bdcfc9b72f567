import type { HashKey, PathMatch, RouteBackend, RouteMatch, RouteRule, RouteTableConfig } from "@weft/contract";
import { Check } from "./check.ts";
import { checkFieldChange, checkFieldName, checkFieldValue } from "./check-fields.ts";
import { checkCors, checkDirectResponse, checkPathRewrite, checkRedirect, checkRetry } from "./check-actions.ts";
import {
  BACKEND_WEIGHT_MAX,
  HASH_KEYS_MAX,
  HOST_REGEXES_MAX,
  MATCH_CONDITIONS_MAX,
  REGEX_PATTERN_LENGTH_MAX,
  RULE_BACKENDS_MAX,
  RULE_HOSTNAMES_MAX,
  RULE_TEXT_BYTES_MAX,
  RULE_TIME_MS_MAX,
  TABLE_RULES_MAX,
} from "./limits.ts";
import { compilePattern } from "./pattern.ts";
import { configPath } from "./rule.ts";

const HOSTNAME = /^(?:\*|(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*)$/;
const IPV6 = /^\[[0-9a-f:.]+\]$/;

/** Refuses a table that cannot be meant, before anything is compiled. @throws WeftError ROUTER_INVALID_TABLE */
export function checkTable(config: RouteTableConfig): void {
  const { rules } = config;
  if (rules.length > TABLE_RULES_MAX) {
    new Check(config.name, null).fail("rules", rules.length, `at most ${TABLE_RULES_MAX} rules`);
  }
  const regexCounts = new Map<string, number>();
  for (const rule of rules) {
    const check = new Check(config.name, rule);
    checkRule(rule, check);
    if (rule.match.path?.type === "regex") countRegex(rule, regexCounts, check);
  }
}

function countRegex(rule: RouteRule, counts: Map<string, number>, check: Check): void {
  for (const hostname of new Set(rule.hostnames)) {
    const count = (counts.get(hostname) ?? 0) + 1;
    counts.set(hostname, count);
    if (count > HOST_REGEXES_MAX) {
      check.fail("match.path.type", "regex", `at most ${HOST_REGEXES_MAX} regular expressions on host "${hostname}"`);
    }
  }
}

function checkRule(rule: RouteRule, check: Check): void {
  check.text("route", rule.route, 1, RULE_TEXT_BYTES_MAX);
  check.integer("rule", rule.rule, 0, Number.MAX_SAFE_INTEGER);
  check.integer("matchIndex", rule.matchIndex, 0, Number.MAX_SAFE_INTEGER);
  check.text("ruleName", rule.ruleName, 0, RULE_TEXT_BYTES_MAX);
  check.count("hostnames", rule.hostnames, 1, RULE_HOSTNAMES_MAX);
  for (const hostname of rule.hostnames) checkHostname(hostname, check);
  checkMatch(rule.match, check);
  check.number("createdMs", rule.createdMs, 0, Number.MAX_SAFE_INTEGER);
  check.count("backends", rule.backends, 0, RULE_BACKENDS_MAX);
  for (const backend of rule.backends) checkBackend(backend, check);
  checkActions(rule, check);
  checkFieldChange("requestHeaders", rule.requestHeaders, check);
  checkFieldChange("responseHeaders", rule.responseHeaders, check);
  if (rule.rewrite !== null) {
    if (rule.rewrite.hostname !== "") checkPreciseHostname("rewrite.hostname", rule.rewrite.hostname, check);
    checkPathRewrite("rewrite.path", rule.rewrite.path, rule, check);
  }
  check.count("mirrors", rule.mirrors, 0, RULE_BACKENDS_MAX);
  for (const mirror of rule.mirrors) {
    check.text("mirrors.cluster", mirror.cluster, 1, RULE_TEXT_BYTES_MAX);
    check.number("mirrors.share", mirror.share, 0, 1);
  }
  if (rule.cors !== null) checkCors(rule.cors, check);
  if (rule.retry !== null) checkRetry(rule.retry, check);
  checkFault(rule, check);
  if (rule.colour !== null) {
    checkFieldName("colour.header", rule.colour.header, check);
    checkFieldValue("colour.value", rule.colour.value, check);
  }
  check.integer("timeoutMs", rule.timeoutMs, 0, RULE_TIME_MS_MAX);
  check.count("hashOn", rule.hashOn, 0, HASH_KEYS_MAX);
  for (const key of rule.hashOn) checkHashKey(key, check);
}

/** Exactly one of redirect, direct response and backends; no backend at all means 500. */
function checkActions(rule: RouteRule, check: Check): void {
  const { redirect, directResponse } = rule;
  if (redirect !== null) {
    if (directResponse !== null) check.fail("directResponse", directResponse.status, "none beside a redirect");
    if (rule.rewrite !== null) check.fail("rewrite", rule.rewrite, "none beside a redirect");
    checkRedirect(redirect, rule, check);
    if (redirect.hostname !== "") checkPreciseHostname("redirect.hostname", redirect.hostname, check);
  }
  if (directResponse !== null) checkDirectResponse(directResponse, check);
  if ((redirect !== null || directResponse !== null) && rule.backends.length > 0) {
    check.fail("backends", rule.backends.length, "none beside a redirect or a direct response");
  }
}

function checkHostname(hostname: string, check: Check): void {
  if (hostname.length <= 253 && (HOSTNAME.test(hostname) || isIpv6(hostname))) return;
  check.fail("hostnames", hostname, 'a lower-case host name, "*.example.com", "*" or a bracketed IPv6 address');
}

function checkPreciseHostname(field: string, hostname: string, check: Check): void {
  // A port may follow where the backend or browser is to see one.
  const host = hostname.replace(/:[0-9]{1,5}$/, "");
  if (hostname.length <= 253 && !host.startsWith("*") && (HOSTNAME.test(host) || isIpv6(host))) return;
  check.fail(field, hostname, "a lower-case host name without wildcard");
}

function isIpv6(hostname: string): boolean {
  return IPV6.test(hostname) && URL.canParse(`http://${hostname}/`);
}

function checkMatch(match: RouteMatch, check: Check): void {
  if (match.path !== null) checkPathMatch(match.path, check);
  if (match.method !== "") check.token("match.method", match.method);
  check.count("match.headers", match.headers, 0, MATCH_CONDITIONS_MAX);
  for (const condition of match.headers) {
    check.lowerToken("match.headers.name", condition.name);
    checkText("match.headers", condition.type, condition.value, check);
  }
  check.count("match.queryParams", match.queryParams, 0, MATCH_CONDITIONS_MAX);
  for (const condition of match.queryParams) {
    check.text("match.queryParams.name", condition.name, 1, RULE_TEXT_BYTES_MAX);
    checkText("match.queryParams", condition.type, condition.value, check);
  }
}

function checkPathMatch(match: PathMatch, check: Check): void {
  check.oneOf("match.path.type", match.type, ["exact", "prefix", "regex"]);
  if (match.type === "regex") {
    checkPattern("match.path.value", match.value, check);
    return;
  }
  check.text("match.path.value", match.value, 1, RULE_TEXT_BYTES_MAX);
  const isOptionsTarget = match.type === "exact" && match.value === "*";
  if ((!isOptionsTarget && !match.value.startsWith("/")) || match.value.includes("?")) {
    check.fail("match.path.value", match.value, 'a path that begins with "/" and has no query');
  }
  if (configPath(match.value) === undefined) {
    check.fail(
      "match.path.value",
      match.value,
      "a path that a request can have: no control character, bad escape or #",
    );
  }
}

function checkText(field: string, type: RouteMatch["headers"][number]["type"], value: string, check: Check): void {
  check.oneOf(`${field}.type`, type, ["exact", "prefix", "regex", "present"]);
  if (type === "regex") checkPattern(`${field}.value`, value, check);
  else if (type === "present" && value !== "") check.fail(`${field}.value`, value, 'nothing beside type "present"');
  else check.text(`${field}.value`, value, 0, RULE_TEXT_BYTES_MAX);
}

function checkPattern(field: string, pattern: string, check: Check): void {
  if (pattern.length === 0 || pattern.length > REGEX_PATTERN_LENGTH_MAX) {
    check.fail(field, pattern, `a regular expression of 1 to ${REGEX_PATTERN_LENGTH_MAX} characters`);
  }
  if (/[^ -~]/.test(pattern)) check.fail(field, pattern, "printable ASCII; bytes above 127 are written as \\xHH");
  try {
    compilePattern(pattern);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    check.fail(field, pattern, `a regular expression in RE2 syntax (${reason})`, error);
  }
}

function checkBackend(backend: RouteBackend, check: Check): void {
  check.text("backends.cluster", backend.cluster, 1, RULE_TEXT_BYTES_MAX);
  check.integer("backends.weight", backend.weight, 0, BACKEND_WEIGHT_MAX);
  checkFieldChange("backends.requestHeaders", backend.requestHeaders, check);
  checkFieldChange("backends.responseHeaders", backend.responseHeaders, check);
}

function checkFault(rule: RouteRule, check: Check): void {
  const { fault } = rule;
  if (fault === null) return;
  check.number("fault.delayShare", fault.delayShare, 0, 1);
  check.integer("fault.delayMs", fault.delayMs, 0, RULE_TIME_MS_MAX);
  check.number("fault.abortShare", fault.abortShare, 0, 1);
  if (fault.abortShare > 0) check.integer("fault.abortStatus", fault.abortStatus, 200, 599);
  check.integer("fault.abortGrpcStatus", fault.abortGrpcStatus, 0, 16);
}

function checkHashKey(key: HashKey, check: Check): void {
  check.oneOf("hashOn.type", key.type, ["header", "cookie", "query", "source-ip"]);
  if (key.type === "header") check.lowerToken("hashOn.name", key.name);
  else if (key.type === "cookie") check.token("hashOn.name", key.name);
  else if (key.type === "query") check.text("hashOn.name", key.name, 1, RULE_TEXT_BYTES_MAX);
  else if (key.name !== "") check.fail("hashOn.name", key.name, 'no name beside type "source-ip"');
}
